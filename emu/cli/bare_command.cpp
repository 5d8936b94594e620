// quire bare: an ELF in M-mode on the board alone. The UART is the command's stdin and stdout.
#include <fmt/format.h>
#include <unistd.h>

#include "emu/cli/commands.h"
#include "emu/cli/files.h"
#include "emu/cli/session.h"
#include "quire/host_file.h"
#include "quire/streams.h"

namespace quire::cli {
namespace {

/// begin_signature..end_signature as the RISC-V test suites want it: a 32-bit word a line, lowest address
/// first.
std::string signature_text(Machine& machine, const std::string& program) {
  const auto begin = machine.symbol("begin_signature");
  const auto end = machine.symbol("end_signature");
  if (!begin || !end || *end < *begin) {
    throw Error(
        ErrorKind::kFile,
        fmt::format("{}: has no symbols begin_signature and end_signature; leave --signature away", program));
  }
  const MemoryView& ram = machine.memory();
  if (*begin < ram.base() || *end - ram.base() > ram.size_bytes()) {
    throw Error(
        ErrorKind::kFile,
        fmt::format("{}: begin_signature {:#x} .. end_signature {:#x} is not in RAM", program, *begin, *end));
  }
  std::vector<std::uint8_t> bytes(*end - *begin);
  machine.memory().read(*begin, bytes);
  bytes.resize((bytes.size() + 3) & ~std::size_t{3});
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    text += fmt::format("{:02x}{:02x}{:02x}{:02x}\n", bytes[i + 3], bytes[i + 2], bytes[i + 1], bytes[i]);
  }
  return text;
}

}  // namespace

Report bare_command(const Options& options) {
  Config config = machine_config(options);
  config.mode = BootMode::kBare;
  config.htif = true;
  config.kernel = read_host_file(options.program).data;
  config.kernel_name = options.program;
  if (config.kernel.empty()) {
    throw Error(ErrorKind::kFile, fmt::format("{}: the file is empty; give an ELF program", options.program));
  }
  const auto patience = std::make_shared<Patience>(options.timeout_seconds);
  config.uart = standard_sink(STDOUT_FILENO, patience);
  config.uart_in = std::make_shared<FdSource>(STDIN_FILENO);

  Session session(std::move(config), options, patience);
  Report report = session.run();
  if (!options.signature.empty() && report.origin == Origin::kGuest) {
    write_file(options.signature, signature_text(session.machine(), options.program));
  }
  return report;
}

}  // namespace quire::cli
