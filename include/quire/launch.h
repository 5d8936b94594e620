// Running riscv64 Linux programs on the supervisor: what the command and Python share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quire/config.h"
#include "quire/machine.h"

namespace quire {

/// A host file and the guest path at which the program finds it.
struct GuestFile {
  std::string host_path;
  std::string guest_path;  ///< absolute
};

struct Program {
  std::string host_path;          ///< a riscv64 Linux executable, or a `#!` script
  std::vector<std::string> args;  ///< argv[1..]
  std::vector<std::string> env;   ///< KEY=VALUE; PATH and HOME get defaults where absent
  std::string cwd = "/";
  std::vector<GuestFile> files;  ///< further files, copied in
};

using SpawnProgress = std::function<void()>;

/// The supervisor's ELF image, built into this library.
std::span<const std::uint8_t> supervisor_image();

/// Checks PROGRAM (Error(kFile): missing, empty, a directory, unreadable, another architecture, truncated,
/// headers beyond the file, absurd sizes; the message names file and cause) and returns the initramfs (cpio
/// newc) that holds it, its interpreter and shared libraries from the cross toolchain's sysroot, its further
/// files and the run file.
std::vector<std::uint8_t> make_initramfs(const Program& program);

/// An initramfs with the base tree alone: the supervisor comes up and waits on the control port.
std::vector<std::uint8_t> make_base_initramfs();

/// Fills kernel, initrd and command line of `config`.
void prepare_supervisor(Config& config, const Program* program);

/// Writes `kernel`, `initramfs.cpio`, `command-line` and `run.sh` that run the same program on
/// qemu-system-riscv64 -M virt.
void export_qemu(const Config& config, const std::string& directory);

/// Puts a program and its files into a supervisor that is up, and runs the machine until it has been started.
/// Returns its pid. Error(kUsage) for a bare machine; Error(kFile) as above; Error(kInternal) that names what
/// the guest refused, and its errno: the program is then not started. `progress` is called between slices of
/// the run and may throw.
int spawn(Machine& machine, const Program& program, const SpawnProgress& progress = {});

}  // namespace quire
