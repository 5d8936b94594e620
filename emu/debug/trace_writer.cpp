#include "emu/debug/trace_writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "emu/debug/monitor.h"
#include "quire/arch/names.h"

namespace quire::debug {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

const char* or_else(const char* name, const char* otherwise) { return name != nullptr ? name : otherwise; }

/// SBI 2.0, chapters 4 to 12; the legacy extensions are chapter 5.
const char* sbi_name(std::uint64_t extension) {
  switch (extension) {
    case 0x00:
      return "legacy set_timer";
    case 0x01:
      return "legacy console_putchar";
    case 0x02:
      return "legacy console_getchar";
    case 0x03:
      return "legacy clear_ipi";
    case 0x04:
      return "legacy send_ipi";
    case 0x05:
      return "legacy remote_fence_i";
    case 0x06:
      return "legacy remote_sfence_vma";
    case 0x07:
      return "legacy remote_sfence_vma_asid";
    case 0x08:
      return "legacy shutdown";
    case 0x10:
      return "base";
    case 0x54494d45:
      return "TIME";
    case 0x735049:
      return "IPI";
    case 0x52464e43:
      return "RFENCE";
    case 0x48534d:
      return "HSM";
    case 0x53525354:
      return "SRST";
    case 0x504d55:
      return "PMU";
    case 0x4442434e:
      return "DBCN";
    case 0x53555350:
      return "SUSP";
    default:
      return "unknown";
  }
}

const char* access_name(arch::Access access) {
  return access == arch::Access::kRead ? "read" : access == arch::Access::kWrite ? "write" : "fetch";
}

std::string mmu_text(const MmuEvent& event) {
  const std::string mapped = fmt::format("{:#x} {} {}", event.physical_address, size_text(event.page_bytes),
                                         flag_letters(event.flags));
  switch (event.kind) {
    case MmuEvent::Kind::kWalk: {
      const std::string walk =
          fmt::format("walk {} {:#x} asid {}, {} entries read: ", access_name(event.access), *event.va,
                      *event.asid, event.steps);
      return walk + (event.fault.empty() ? mapped : fmt::format("fault: {}", event.fault));
    }
    case MmuEvent::Kind::kFill:
    case MmuEvent::Kind::kEvict:
      return fmt::format("{} {:#x} asid {}: {}", event.kind == MmuEvent::Kind::kFill ? "fill" : "evict",
                         *event.va, *event.asid, mapped);
    case MmuEvent::Kind::kFence:
      return fmt::format("fence {} {}", event.va ? fmt::format("{:#x}", *event.va) : "every page",
                         event.asid ? fmt::format("asid {}", *event.asid) : "every asid");
  }
  return "";
}

}  // namespace

std::string commit_log_line(const InsnEvent& event) {
  fmt::memory_buffer line;
  const auto out = std::back_inserter(line);
  fmt::format_to(out, "core{:4}: {} {:#018x} (0x{:0{}x})", event.at.hart,
                 static_cast<unsigned>(event.at.privilege), event.at.pc, event.bits, event.length_bytes * 2);
  for (const RegisterWrite& write : event.writes) {
    if (write.bank == RegisterWrite::Bank::kCsr) {
      fmt::format_to(out, " c{}_{} {:#018x}", write.number, or_else(arch::csr_name(write.number), "unknown"),
                     write.value);
    } else {
      fmt::format_to(out, " {}{:<2} {:#018x}", write.bank == RegisterWrite::Bank::kX ? 'x' : 'f',
                     write.number, write.value);
    }
  }
  for (const MemoryAccess& access : event.accesses) {
    if (!access.is_store) fmt::format_to(out, " mem {:#018x}", access.address);
  }
  for (const MemoryAccess& access : event.accesses) {
    if (!access.is_store) continue;
    const std::uint64_t mask =
        access.size_bytes == 8 ? ~std::uint64_t{0} : (1ULL << access.size_bytes * 8) - 1;
    fmt::format_to(out, " mem {:#018x} 0x{:0{}x}", access.address, access.value & mask,
                   access.size_bytes * 2);
  }
  line.push_back('\n');
  return fmt::to_string(line);
}

TraceWriter::TraceWriter(Machine& machine, const TraceSpec& spec)
    : machine_(machine), spec_(spec), file_(stderr) {
  if (!spec.file.empty()) {
    file_ = std::fopen(spec.file.c_str(), "we");
    if (file_ == nullptr) {
      throw Error(ErrorKind::kFile, fmt::format("{}: {}; check --trace", spec.file, std::strerror(errno)));
    }
    std::setvbuf(file_, nullptr, _IOFBF, kBufferBytes);
  }
  machine_.add_observer(this, spec_.observed());
}

TraceWriter::~TraceWriter() {
  machine_.remove_observer(this);
  if (file_ != stderr) std::fclose(file_);
}

void TraceWriter::finish() {
  if (std::fflush(file_) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0) return;
  const std::string name = spec_.file.empty() ? "standard error" : spec_.file;
  throw Error(ErrorKind::kFile, fmt::format("{}: {}; the trace is cut off", name, std::strerror(error_)));
}

void TraceWriter::write(std::string_view text) {
  if (error_ != 0 || std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return;
  error_ = errno;
  machine_.request_stop();
}

void TraceWriter::write_event(const EventPlace& at, const char* category, std::string_view what) {
  write(fmt::format("core{:4}: {:<6} {} {} {:#018x} {}\n", at.hart, category, at.icount,
                    arch::privilege_letter(at.privilege), at.pc, what));
}

void TraceWriter::on_insn(const InsnEvent& event) {
  if (spec_.listing) {
    const auto place = machine_.symbol_at(event.at.pc);
    if (place && place->offset == 0) write(fmt::format("core{:4}: >>>>  {}\n", event.at.hart, place->name));
    write(fmt::format("core{:4}: {:#018x} (0x{:0{}x}) {}\n", event.at.hart, event.at.pc, event.bits,
                      event.length_bytes * 2, disassembler_.line(event.bits, event.at.pc).text));
  }
  if (spec_.insn) write(commit_log_line(event));
}

void TraceWriter::on_mmu(const MmuEvent& event) { write_event(event.at, "mmu", mmu_text(event)); }

std::string TraceWriter::handler_text(const TrapEvent& event) const {
  const std::string name = place_name(machine_, event.handler);
  return fmt::format("-> {} {:#x}{}", arch::privilege_letter(event.target), event.handler,
                     name.empty() ? "" : fmt::format(" <{}>", name));
}

void TraceWriter::on_trap(const TrapEvent& event) {
  const std::string name = place_name(machine_, event.at.pc);
  write_event(event.at, "trap",
              fmt::format("{}{} ({}), tval {:#x} {}", name.empty() ? "" : fmt::format("<{}> ", name),
                          or_else(arch::exception_name(event.cause), "exception"), event.cause, event.tval,
                          handler_text(event)));
}

void TraceWriter::on_interrupt(const TrapEvent& event) {
  const std::uint64_t code = event.cause & ~arch::kInterruptFlag;
  write_event(
      event.at, "irq",
      fmt::format("{} ({}) {}", or_else(arch::interrupt_name(code), "interrupt"), code, handler_text(event)));
}

void TraceWriter::on_device(const DeviceEvent& event) {
  write_event(event.at, "device",
              fmt::format("{} {} of {} at +{:#x}: 0x{:0{}x}", event.device, event.is_write ? "write" : "read",
                          event.size_bytes, event.offset, event.value, event.size_bytes * 2));
}

void TraceWriter::on_sbi(const SbiEvent& event) {
  std::string args;
  for (const std::uint64_t arg : event.args) args += fmt::format("{}{:#x}", args.empty() ? "" : ", ", arg);
  write_event(event.at, "sbi",
              fmt::format("{} ({:#x}) function {} ({}) -> error {}, value {:#x}", sbi_name(event.extension),
                          event.extension, event.function, args, static_cast<std::int64_t>(event.error),
                          event.value));
}

/// Guest instructions, IR and host code, indented.
std::string TraceWriter::block_text(const CodeEvent& event) {
  std::string text;
  for (const CodeEvent::Insn& insn : event.insns) {
    text += fmt::format("  {:#x}: {}\n", insn.address, disassembler_.line(insn.bits, insn.address).text);
  }
  text += "  -- ir\n";
  for (std::string_view rest = event.ir; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    text += fmt::format("  {}\n", rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return text + "  -- host\n" + host_disassembler_.listing(event.code);
}

void TraceWriter::on_code(const CodeEvent& event) {
  switch (event.kind) {
    case CodeEvent::Kind::kMade:
      write_event(event.at, "jit",
                  fmt::format("made {:#x}: {} instructions, {} bytes of host code", event.address,
                              event.insns.size(), event.code.size()));
      if (spec_.jit_code) write(block_text(event));
      return;
    case CodeEvent::Kind::kDropped:
      return write_event(event.at, "jit", fmt::format("dropped {:#x}: {}", event.address, event.reason));
    case CodeEvent::Kind::kLinked:
      return write_event(event.at, "jit", fmt::format("linked {:#x} to {:#x}", event.address, event.to));
    case CodeEvent::Kind::kGivenUp:
      return write_event(event.at, "jit", fmt::format("gave up all {} blocks for room", event.blocks));
  }
}

}  // namespace quire::debug
