#include "guest/init/selftest.h"

#include <algorithm>

#include "guest/drivers/block.h"
#include "guest/drivers/console_stream.h"
#include "guest/drivers/virtio.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/hart.h"
#include "guest/hal/time.h"
#include "guest/hal/user_access.h"
#include "guest/lib/log.h"
#include "guest/lib/panic.h"
#include "guest/lib/vector.h"
#include "guest/mem/frame.h"
#include "guest/mem/injection.h"
#include "guest/mem/kmalloc.h"
#include "guest/mem/vmalloc.h"
#include "guest/sched/mutex.h"

extern "C" char image_start[];
extern "C" char text_end[];
extern "C" char boot_stack_base[];

namespace kernel {

namespace {

/// Checks that fail name themselves; the first ends its group.
#define CHECK(condition)                             \
  do {                                               \
    if (!(condition)) {                              \
      log_error("selftest: failed: {}", #condition); \
      return false;                                  \
    }                                                \
  } while (false)

bool check_kernel_map() {
  const PageTable& table = kernel_page_table();
  const auto leaf_of = [&](const void* p) { return table.lookup(VirtAddr(reinterpret_cast<u64>(p))); };
  const Leaf text = leaf_of(image_start);
  CHECK(text.valid() && text.pte.has(kPteExecute) && !text.pte.has(kPteWrite));
  const Leaf rodata = leaf_of(text_end);
  CHECK(rodata.valid() && !rodata.pte.has(kPteExecute) && !rodata.pte.has(kPteWrite));
  CHECK(!table.lookup(VirtAddr(reinterpret_cast<u64>(boot_stack_base)) - 1).valid());
  auto frame = alloc_frame(ZeroIt::kNo);
  CHECK(frame.ok());
  const Leaf memory = leaf_of(frame_data(frame.value()));
  CHECK(memory.valid() && memory.level > 0 && !memory.pte.has(kPteExecute));
  put_frame(frame.value());
  return true;
}

bool check_frames() {
  const u64 free_before = memory_stats().free();
  Vector<Frame*> frames;
  for (unsigned order = 0; order <= kMaxOrder; order++) {
    auto block = alloc_frames(order, ZeroIt::kYes, FrameUse::kKernel);
    CHECK(block.ok() && frames.push(block.value()).ok());
    CHECK(is_aligned(frame_address(block.value()).value, kPageBytes << order));
    const u64* const words = frame_data<u64>(block.value());
    CHECK(std::all_of(words, words + (kPageBytes << order) / 8, [](u64 word) { return word == 0; }));
  }
  inject({.nth = 1});
  CHECK(alloc_frame(ZeroIt::kNo).error() == Errno::kENOMEM);
  for (Frame* frame : frames) {
    put_frame(frame);
  }
  frames.reset();
  CHECK(memory_stats().free() + 4 >= free_before);  // slabs may keep a spare
  return true;
}

bool check_slabs() {
  Vector<u8*> pieces;
  for (usize bytes = 0; bytes < 10000; bytes += 37) {
    auto piece = kmalloc(bytes);
    CHECK(piece.ok() && is_aligned(reinterpret_cast<u64>(piece.value()), 16));
    std::fill_n(static_cast<u8*>(piece.value()), bytes, static_cast<u8>(bytes));
    CHECK(pieces.push(static_cast<u8*>(piece.value())).ok());
  }
  for (usize i = 0; i < pieces.size(); i++) {
    const usize bytes = i * 37;
    CHECK(std::all_of(pieces[i], pieces[i] + bytes, [&](u8 byte) { return byte == static_cast<u8>(bytes); }));
    kfree(pieces[i]);
  }
  return true;
}

bool check_vmalloc_area() {
  constexpr usize kPages = 700;  // more than one block of frames, were it to be in a row
  const u64 free_before = memory_stats().free();
  const VmallocStats before = vmalloc_stats();
  auto first = vmalloc(kPages * kPageBytes, "selftest");
  auto second = vmalloc(1, "selftest");
  CHECK(first.ok() && second.ok());
  u8* const bytes = static_cast<u8*>(first.value());
  const auto leaf_of = [](const u8* p) {
    return kernel_page_table().lookup(VirtAddr(reinterpret_cast<u64>(p)));
  };
  CHECK(!leaf_of(bytes).valid() && !leaf_of(bytes + kPages * kPageBytes).valid());
  for (usize page = 0; page < kPages; page += 2) {
    CHECK(bytes[page * kPageBytes] == 0);  // the touch that faults
    bytes[page * kPageBytes] = static_cast<u8>(page);
  }
  CHECK(vmalloc_stats().faults - before.faults == kPages / 2);
  CHECK(vmalloc_stats().mapped_pages - before.mapped_pages == kPages / 2);
  CHECK(!leaf_of(bytes + kPageBytes).valid() && leaf_of(bytes).valid() &&
        !leaf_of(bytes).pte.has(kPteExecute));
  for (usize page = 0; page < kPages; page += 2) {
    CHECK(bytes[page * kPageBytes] == static_cast<u8>(page));
  }
  const auto frame = vmalloc_frame(bytes + 3 * kPageBytes + 5);
  CHECK(frame.ok() && frame_data(frame.value()) != bytes);
  frame_data(frame.value())[5] = 77;
  CHECK(bytes[3 * kPageBytes + 5] == 77);
  CHECK(vmalloc_populate(second.value()).ok());
  check_vmalloc();
  inject({.nth = 1});
  CHECK(vmalloc_frame(bytes + kPageBytes).error() == Errno::kENOMEM);
  inject({.lasting = FailFor::kEver, .nth = 2});
  CHECK(vmalloc_expect_touch(bytes + 699 * kPageBytes).ok());
  bytes[699 * kPageBytes] = 1;  // nothing is left but the frame that was put aside
  CHECK(vmalloc_expect_touch(bytes + 699 * kPageBytes).ok());
  CHECK(vmalloc_expect_touch(bytes + kPageBytes).error() == Errno::kENOMEM);
  stop_injecting();
  vfree(first.value());
  vfree(second.value());
  CHECK(!leaf_of(bytes).valid() && !leaf_of(bytes + 3 * kPageBytes).valid());
  CHECK(vmalloc(kAreaBytes, "selftest").error() == Errno::kENOMEM);
  CHECK(vmalloc_stats().areas == before.areas && vmalloc_stats().mapped_pages == before.mapped_pages);
  check_vmalloc();
  // Its page tables stay, and slabs may keep a spare.
  CHECK(memory_stats().free() + 6 >= free_before);
  return true;
}

struct PingPong {
  WaitQueue changed;
  Mutex mutex;
  unsigned turns = 0;
  unsigned finished = 0;
};

bool check_threads() {
  static PingPong game;
  const auto play = [](void* parity) {
    const unsigned mine = static_cast<unsigned>(reinterpret_cast<usize>(parity));
    while (game.turns < 1000) {
      wait_event(game.changed, [&] { return game.turns % 2 == mine || game.turns >= 1000; });
      const MutexGuard guard(game.mutex);
      game.turns++;
      yield();  // with the mutex held: the other must wait for it
      game.changed.wake_all();
    }
    game.finished++;
    game.changed.wake_all();
  };
  CHECK(Thread::spawn(
            "warm", [](void*) {}, nullptr)
            .ok());
  yield();
  const u64 stacks_before = memory_stats().used_for(FrameUse::kStack);
  for (usize parity = 0; parity < 2; parity++) {
    CHECK(Thread::spawn("player", play, reinterpret_cast<void*>(parity)).ok());
  }
  wait_event(game.changed, [] { return game.finished == 2; });
  yield();
  CHECK(game.turns >= 1000);
  CHECK(memory_stats().used_for(FrameUse::kStack) <=
        stacks_before + kStackBytes / kPageBytes);  // one spare more
  return true;
}

bool check_time() {
  const u64 start = monotonic_ns();
  CHECK(sleep_until(start + 3'000'000).ok());
  const u64 slept = monotonic_ns() - start;
  CHECK(slept >= 3'000'000);
  WaitQueue queue;
  const auto timed_out = wait_event_until(queue, monotonic_ns() + 1'000'000, [] { return false; });
  CHECK(!timed_out.ok() && timed_out.error() == Errno::kETIMEDOUT);
  current_thread().request_interrupt();
  const auto interrupted = wait_event_interruptible(queue, [] { return false; });
  CHECK(!interrupted.ok() && interrupted.error() == Errno::kEINTR);
  current_thread().clear_interrupt();
  return true;
}

// A process in miniature: one page table, a page of code, and memory given on first touch.
constexpr VirtAddr kCode{0x10000};
constexpr VirtAddr kData{0x20000};
constexpr VirtAddr kLazyData{0x21000};
constexpr VirtAddr kWordToWaitFor = kData + 8;
constexpr u64 kGoOn = 1;
/// A hart without a timer must end the test, not hang it.
constexpr u64 kLongestWaitNs = 20'000'000'000;

struct Mini {
  PageTable table;
  unsigned faults = 0;
  unsigned calls = 0;
  u64 results[4] = {};
  WaitQueue ended;
  bool done = false;
  u64 preemptions_before = 0;
};
Mini* g_mini = nullptr;

bool on_fault(TrapFrame&, VirtAddr va, Access, FaultOrigin origin) {
  if (va.value < kData.value || va.value >= kData.value + 2 * kPageBytes) {
    ASSERT(origin == FaultOrigin::kUserCopy);
    return false;
  }
  g_mini->faults++;
  const VirtAddr page(align_down(va.value, kPageBytes));
  const auto frame = alloc_frame(ZeroIt::kYes, FrameUse::kAnon);
  return frame.ok() &&
         g_mini->table.map(page, frame_address(frame.value()), kPteRead | kPteWrite | kPteUser).ok();
}

void on_syscall(TrapFrame& frame) {
  if (g_mini->calls < 4) {
    g_mini->results[g_mini->calls] = frame.reg(kA0);
  }
  if (++g_mini->calls == 2) {
    g_mini->done = true;
    g_mini->ended.wake_all();
    exit_thread();
  }
}

// Two system calls; between them it waits for a word that is set once it has been preempted: how long that
// takes depends on the host.
constexpr u32 kProgram[] = {
    0x000205b7,  // lui  a1, 0x20
    0x02a00513,  // li   a0, 42
    0x00a5b023,  // sd   a0, 0(a1)      faults, is given a page
    0x0005b503,  // ld   a0, 0(a1)
    0x00000073,  // ecall               a0 = 42
    0x0085b603,  // ld   a2, 8(a1)
    0xfe060ee3,  // beqz a2, -4
    0x00060513,  // mv   a0, a2
    0x00000073,  // ecall               a0 = kGoOn
};

bool check_user_mode() {
  static Mini mini;
  g_mini = &mini;
  set_trap_handlers({.page_fault = on_fault, .syscall = on_syscall});
  CHECK(mini.table.create().ok());
  const auto code = alloc_frame(ZeroIt::kYes, FrameUse::kAnon);
  CHECK(code.ok());
  std::copy_n(kProgram, std::size(kProgram), frame_data<u32>(code.value()));
  CHECK(mini.table.map(kCode, frame_address(code.value()), kPteRead | kPteExecute | kPteUser).ok());
  asm volatile("fence.i");
  mini.table.activate();

  mini.preemptions_before = scheduler_stats().preemptions;
  const auto user = Thread::spawn(
      "user",
      [](void*) {
        Thread& self = current_thread();
        self.user_frame() = make_user_frame(kCode, VirtAddr(0));
        return_to_user(&self.user_frame());
      },
      nullptr);
  CHECK(user.ok());
  // A companion that is always runnable, so that the slice ends, and then lets the program go on.
  const auto companion = Thread::spawn(
      "companion",
      [](void*) {
        const u64 deadline_ns = monotonic_ns() + kLongestWaitNs;
        while (scheduler_stats().preemptions == g_mini->preemptions_before && monotonic_ns() < deadline_ns) {
          yield();
        }
        (void)put_user(kWordToWaitFor, kGoOn);
      },
      nullptr);
  CHECK(companion.ok());
  wait_event(mini.ended, [] { return g_mini->done; });
  CHECK(mini.results[0] == 42 && mini.results[1] == kGoOn && mini.calls == 2 && mini.faults == 1);
  CHECK(scheduler_stats().preemptions > mini.preemptions_before);

  // User copies: what is there, what is given on the way, what is not there.
  CHECK(get_user<u64>(kData).value_or(0) == 42);
  u8 text[300];
  std::fill_n(text, sizeof(text), u8{'x'});
  CHECK(copy_to_user(kLazyData - 100, text, sizeof(text)).ok() && mini.faults == 2);
  u8 back[300] = {};
  CHECK(copy_from_user(back, kLazyData - 100, sizeof(back)).ok());
  CHECK(std::equal(back, back + sizeof(back), text));
  const VirtAddr end = kLazyData + kPageBytes;
  CHECK(copy_to_user_partial(end - 131, text, sizeof(text)) == 131);
  CHECK(copy_from_user_partial(back, end - 77, sizeof(back)) == 77);
  CHECK(copy_to_user(end - 8, text, 9).error() == Errno::kEFAULT);
  CHECK(clear_user(end - 50, 50).ok() && clear_user(end - 8, 9).error() == Errno::kEFAULT);
  char string[64];
  CHECK(strncpy_from_user(string, end - 60, sizeof(string)).value_or(0) == 10);
  CHECK(strncpy_from_user(string, end - 131, sizeof(string)).value_or(0) == sizeof(string));
  CHECK(strncpy_from_user(string, VirtAddr(0x1000), sizeof(string)).error() == Errno::kEFAULT);
  CHECK(copy_from_user(back, VirtAddr(~u64{0} - 4), 8).error() == Errno::kEFAULT);
  CHECK(put_user(kData, u32{7}).ok());
  CHECK(compare_exchange_user_u32(kData, 7, 9).value_or(0) == 7 && load_user_u32(kData).value_or(0) == 9);
  CHECK(compare_exchange_user_u32(kData, 7, 1).value_or(0) == 9 && load_user_u32(kData).value_or(0) == 9);
  CHECK(load_user_u32(kData + 2).error() == Errno::kEINVAL);

  mini.table.update_range(VirtAddr(0), VirtAddr(kSv39UserTop), [](VirtAddr, Pte pte) {
    put_frame(frame_at(pte.address()));
    return Pte();
  });
  CHECK(get_user<u64>(kCode).error() == Errno::kEFAULT);
  mini.table.destroy();
  return true;
}

bool check_devices() {
  u8 random[64] = {};
  const auto read = read_virtio_rng(random);
  if (read.ok()) {
    CHECK(!std::all_of(random, random + sizeof(random), [](u8 byte) { return byte == 0; }));
  }
  log_info("selftest: entropy device {}", read.ok() ? StringView("works") : errno_name(read.error()));
  if (BlockDevice* const disk = block_device(0)) {
    auto memory = kmalloc(2 * kSectorBytes);
    CHECK(memory.ok());
    const ByteSpan sectors(static_cast<u8*>(memory.value()), 2 * kSectorBytes);
    CHECK(disk->read(0, sectors).ok());
    u32 sum = 0;
    for (const u8 byte : sectors) {
      sum = sum * 31 + byte;
    }
    CHECK(disk->read(disk->sectors() - 1, sectors).error() == Errno::kEINVAL);
    CHECK(disk->flush().ok());
    if (!disk->read_only()) {
      CHECK(disk->write(disk->sectors() - 1, sectors.first(kSectorBytes)).ok());
      CHECK(disk->read(disk->sectors() - 1, sectors.subspan(kSectorBytes)).ok());
      CHECK(std::equal(sectors.begin(), sectors.begin() + kSectorBytes, sectors.begin() + kSectorBytes));
    }
    log_info("selftest: disk of {} sectors, sum of the first two {:08x}", disk->sectors(), sum);
    kfree(memory.value());
  }
  constexpr StringView kGreeting = "selftest: standard output\n";
  CHECK(console_stdout().write(as_bytes(kGreeting)).value_or(0) == kGreeting.size());
  if (ConsoleStream* const control = console_control()) {
    log_info("selftest: control port {}", control->readable() ? "has input" : "is quiet");
  }
  return true;
}

}  // namespace

namespace {

/// Uses up the kernel stack; the hart must notice at the guard, and report from another stack.
[[gnu::noinline]] u64 overflow_stack(u64 depth) {
  volatile u64 room[64];
  room[depth % 64] = depth;
  return depth == ~u64{0} ? 0 : overflow_stack(depth + 1) + room[(depth + 1) % 64];
}

/// Ways to die, each of which must end in one line and status 255.
void die_if_asked() {
  const StringView way = boot_option("quire.selftest").value_or(StringView());
  if (way == "panic") {
    panic("as asked");
  } else if (way == "overflow") {
    log_error("survived with {}", overflow_stack(0));
  } else if (way == "write-text") {
    *reinterpret_cast<volatile u32*>(image_start) = 0;
  } else if (way == "null") {
    u64 address = 8;
    asm volatile("" : "+r"(address));  // the compiler would refuse to look
    *reinterpret_cast<volatile u32*>(address) = 0;
  } else if (way == "vmalloc-guard" || way == "vmalloc-freed") {
    auto memory = vmalloc(kPageBytes, "selftest");
    volatile u8* const bytes = static_cast<u8*>(memory.value());
    bytes[0] = 1;
    if (way == "vmalloc-freed") {
      vfree(memory.value());
    }
    bytes[way == "vmalloc-freed" ? 0 : kPageBytes] = 1;
  } else if (way == "jump-data") {
    static u64 data = 0;
    reinterpret_cast<void (*)()> (&data)();
  }
}

}  // namespace

bool run_selftest() {
  die_if_asked();
  struct Group {
    StringView name;
    bool (*run)();
  };
  constexpr Group kGroups[] = {
      {"kernel map", check_kernel_map}, {"frames", check_frames},   {"slabs", check_slabs},
      {"vmalloc", check_vmalloc_area},  {"threads", check_threads}, {"time", check_time},
      {"user mode", check_user_mode},   {"devices", check_devices},
  };
  bool passed = true;
  for (const Group& group : kGroups) {
    const bool ok = group.run();
    log(LogLevel::kAlert, "selftest: {}: {}", group.name, ok ? "ok" : "FAILED");
    passed = passed && ok;
  }
  return passed;
}

}  // namespace kernel
