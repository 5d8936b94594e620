#include "emu/machine/firmware.h"

#include "emu/hart/envcfg.h"
#include "quire/arch/memmap.h"

namespace quire {
namespace {

constexpr unsigned kCsrSstatus = 0x100;
constexpr unsigned kCsrScounteren = 0x106;
constexpr unsigned kCsrSatp = 0x180;
constexpr unsigned kCsrMedeleg = 0x302;
constexpr unsigned kCsrMideleg = 0x303;
constexpr unsigned kCsrMcounteren = 0x306;
constexpr unsigned kCsrMenvcfg = 0x30a;
constexpr unsigned kCsrStimecmp = 0x14d;

constexpr unsigned kA0 = 10;
constexpr unsigned kA1 = 11;
constexpr unsigned kA6 = 16;
constexpr unsigned kA7 = 17;

constexpr u64 mask(Interrupt line) { return u64{1} << static_cast<unsigned>(line); }
constexpr u64 mask(Exception cause) { return u64{1} << static_cast<unsigned>(cause); }

// Beyond this many pages one full fence costs the hart less.
constexpr u64 kMaxPagesFenced = 64;

}  // namespace

void Firmware::power_on() {
  cancel_timer();
  hart_stopped_ = false;
  Hart& hart = wiring_.hart;
  constexpr u64 kAllExceptions = 0xffff;
  hart.write_csr(kCsrMedeleg,
                 kAllExceptions & ~mask(Exception::kEcallSupervisor) & ~mask(Exception::kEcallMachine));
  hart.write_csr(kCsrMideleg, mask(Interrupt::kSupervisorSoftware) | mask(Interrupt::kSupervisorTimer) |
                                  mask(Interrupt::kSupervisorExternal));
  constexpr u64 kCycleTimeInstret = 7;
  hart.write_csr(kCsrMcounteren, kCycleTimeInstret);
  hart.write_csr(kCsrScounteren, kCycleTimeInstret);
  // What the hart has of these it keeps: the supervisor is to use it.
  hart.write_csr(kCsrMenvcfg, hart.read_csr(kCsrMenvcfg).value_or(0) | kEnvcfgStce | kEnvcfgPbmte |
                                  kEnvcfgCbie | kEnvcfgCbcfe | kEnvcfgCbze);
  hart.mmu().pmp().allow_everything();
  hart.mmu().mode_changed();
}

void Firmware::handle_call(HartState& state) {
  sbi::Call call{.hart = wiring_.hart.id(), .extension = state.x[kA7], .function = state.x[kA6], .args = {}};
  for (unsigned i = 0; i < call.args.size(); ++i) {
    call.args[i] = state.x[kA0 + i];
  }
  registers_set_ = false;
  const sbi::Return result = sbi::handle(*this, call);
  if (registers_set_) {
    return;
  }
  if (sbi::is_legacy(call.extension)) {
    state.x[kA0] = result.error == sbi::Status::kSuccess ? result.value : static_cast<u64>(result.error);
  } else {
    state.x[kA0] = static_cast<u64>(result.error);
    state.x[kA1] = result.value;
  }
}

u64 Firmware::machine_id_csr(unsigned number) const { return wiring_.hart.read_csr(number).value_or(0); }

void Firmware::cancel_timer() {
  if (timer_) {
    wiring_.clock.cancel(*timer_);
    timer_.reset();
  }
  wiring_.hart.set_interrupt(Interrupt::kSupervisorTimer, false);
}

void Firmware::set_timer(unsigned, u64 ticks) {
  if (wiring_.hart.isa().has(Extension::Sstc)) {
    wiring_.hart.write_csr(kCsrStimecmp, ticks);
    return;
  }
  cancel_timer();
  const u64 now_ticks = wiring_.time();
  const u64 now_ns = wiring_.clock.now_ns();
  const u64 wait_ticks = ticks > now_ticks ? ticks - now_ticks : 0;
  if (wait_ticks > (UINT64_MAX - now_ns) / kNanosecondsPerTick) {
    return;  // later than the clock can count
  }
  // mtime changes on whole ticks of the clock.
  const u64 tick_start_ns = now_ns - now_ns % kNanosecondsPerTick;
  const u64 deadline_ns = wait_ticks == 0 ? now_ns : tick_start_ns + wait_ticks * kNanosecondsPerTick;
  timer_ = wiring_.clock.schedule(deadline_ns, [this] { timer_due(); });
}

void Firmware::timer_due() {
  timer_.reset();
  wiring_.hart.set_interrupt(Interrupt::kSupervisorTimer, true);
}

void Firmware::transfer(StateArchive& archive) {
  archive(hart_stopped_);
  archive.event(wiring_.clock, timer_, [this] { timer_due(); });
}

/// S-mode clears it itself, so it is a bit that software holds, not a line.
void Firmware::raise_software_interrupt(unsigned) {
  wiring_.hart.state().mip_software |= mask(Interrupt::kSupervisorSoftware);
}

void Firmware::fence_i(unsigned) {}  // stores are seen by fetches at once (emu/mem/ram.h)

void Firmware::sfence_vma(unsigned, u64 start, u64 size, std::optional<u64> asid) {
  Mmu& mmu = wiring_.hart.mmu();
  wiring_.hart.drop_fetch_page();
  const u16 space = static_cast<u16>(asid.value_or(0));
  if (size / kPageBytes >= kMaxPagesFenced) {
    if (asid) {
      mmu.fence_asid(space);
    } else {
      mmu.fence_all();
    }
    return;
  }
  const u64 first = align_down(start, kPageBytes);
  // By count: a range may end where addresses do.
  for (u64 done = 0; done < start - first + size; done += kPageBytes) {
    if (asid) {
      mmu.fence_page_asid(VirtAddr(first + done), space);
    } else {
      mmu.fence_page(VirtAddr(first + done));
    }
  }
}

sbi::HartStatus Firmware::hart_status(unsigned) const {
  return hart_stopped_ ? sbi::HartStatus::kStopped : sbi::HartStatus::kStarted;
}

void Firmware::start_hart(unsigned, u64, u64) {}  // the only hart is never stopped when somebody can call

void Firmware::stop_hart(unsigned) {
  hart_stopped_ = true;
  wiring_.hart.request_exit();
}

void Firmware::suspend_hart(unsigned) {
  wiring_.hart.state().waiting = 1;
  wiring_.hart.request_exit();
}

/// Table 7 of chapter 9: what a hart finds when it resumes.
void Firmware::suspend_hart_and_resume_at(unsigned hart, u64 address, u64 opaque) {
  HartState& state = wiring_.hart.state();
  wiring_.hart.write_csr(kCsrSatp, 0);
  wiring_.hart.write_csr(kCsrSstatus, wiring_.hart.read_csr(kCsrSstatus).value_or(0) & ~u64{kStatusSie});
  constexpr u64 kEcallBytes = 4;
  state.pc = address - kEcallBytes;  // the caller steps over the ecall
  state.x[kA0] = hart;
  state.x[kA1] = opaque;
  registers_set_ = true;
  wiring_.hart.drop_fetch_page();
  suspend_hart(hart);
}

void Firmware::reset(sbi::ResetKind kind, int exit_status) { wiring_.reset(kind, exit_status); }

bool Firmware::read_memory(u64 address, std::span<u8> out) { return wiring_.bus.read(address, out); }

bool Firmware::write_memory(u64 address, std::span<const u8> data) {
  return wiring_.bus.write(address, data);
}

void Firmware::console_write(std::span<const u8> data) {
  if (wiring_.console) {
    wiring_.console->write(data);
  }
}

usize Firmware::console_read(std::span<u8> out) {
  return wiring_.console_in && !out.empty() ? wiring_.console_in->read(out).count_bytes : 0;
}

}  // namespace quire
