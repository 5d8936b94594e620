// Writing a run down for QEMU: what it boots, and the command that boots it.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <system_error>

#include "emu/machine/isa_string.h"
#include "quire/launch.h"

namespace quire {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::span<const std::uint8_t> data) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  file.close();
  if (!file) {
    throw Error(ErrorKind::kFile, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
}

void write_text(const fs::path& path, std::string_view text) {
  write_file(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// QEMU takes a doubled comma for one; the shell nothing at all between single quotes but those.
std::string share_options(const Config& config) {
  std::string options;
  for (std::size_t i = 0; i < config.shares.size(); ++i) {
    const Share& share = config.shares[i];
    const std::string path = replace_all(fs::absolute(share.host_path).string(), ",", ",,");
    options += fmt::format(
        "  -fsdev 'local,id=share{},security_model=none{},path={}' -device "
        "virtio-9p-device,fsdev=share{},mount_tag={} \\\n",
        i, share.writable ? "" : ",readonly=on", replace_all(path, "'", "'\\''"), i, share.tag);
  }
  return options;
}

/// The extensions of an ISA string, each switched on or off; QEMU's own hart when there is none. Of what only
/// QEMU knows nothing is said.
std::string cpu_options(const Config& config) {
  if (config.isa.empty()) {
    return "";
  }
  const ExtensionSet wanted = parse_isa(config.isa);
  std::string options = "  -cpu rv64";
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    if (kExtensionInfo[e].presence != Presence::kAlways) {
      options +=
          fmt::format(",{}={}", kExtensionInfo[e].name, wanted.has(static_cast<Extension>(e)) ? "on" : "off");
    }
  }
  return options + " \\\n";
}

/// The program's three streams and the kernel's log share the serial port there: QEMU's stdin and stdout.
/// QEMU ends with the status the guest gives the finisher.
std::string run_script(const Config& config) {
  return fmt::format(
      "#!/bin/sh\n"
      "# Runs the program of this directory on QEMU's `virt` board, under OpenSBI (packages qemu-system-misc "
      "and "
      "opensbi).\n"
      "here=$(dirname -- \"$0\")\n"
      "exec \"${{QEMU:-qemu-system-riscv64}}\" -M virt -m {}M -smp 1 -display none -monitor none -serial "
      "stdio "
      "-no-reboot \\\n"
      "  -global virtio-mmio.force-legacy=false -device virtio-rng-device \\\n"
      "{}{}"
      "  -kernel \"$here/kernel\" -initrd \"$here/initramfs.cpio\" -append \"$(cat \"$here/command-line\")\" "
      "\"$@\"\n",
      config.ram_bytes >> 20, cpu_options(config), share_options(config));
}

}  // namespace

void export_qemu(const Config& config, const std::string& directory) {
  const fs::path root(directory);
  std::error_code error;
  fs::create_directories(root, error);
  if (error) {
    throw Error(ErrorKind::kFile, fmt::format("{}: {}", directory, error.message()));
  }
  write_file(root / "kernel", config.kernel);
  write_file(root / "initramfs.cpio", config.initrd);
  write_text(root / "command-line", config.command_line + "\n");
  write_text(root / "run.sh", run_script(config));
  fs::permissions(root / "run.sh", fs::perms(0755), error);
  if (error) {
    throw Error(ErrorKind::kFile, fmt::format("{}: {}", (root / "run.sh").string(), error.message()));
  }
}

}  // namespace quire
