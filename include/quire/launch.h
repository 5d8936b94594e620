// Running riscv64 Linux programs on the supervisor: what the command and Python share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quire/config.h"
#include "quire/machine.h"

namespace quire {

/// A host file and the guest path at which the program finds it.
struct GuestFile {
  std::string host_path;
  std::string guest_path;  ///< absolute
};

/// A directory of the host at a path of the guest, by 9P. What lies outside of it stays out of reach.
struct SharedPath {
  std::string host_path;
  std::string guest_path;  ///< absolute
  bool writable = false;
};

/// Directories of the host in the guest's name tree.
struct GuestMounts {
  /// The guest's `/` (guest_path is ignored). Not writable: what the guest changes in it stays in the guest.
  std::optional<SharedPath> root;
  std::vector<SharedPath> shares;  ///< read-only, but for writable ones
};

struct Program {
  /// A riscv64 Linux executable, or a `#!` script. With a root of the host's: a path in that, which the guest
  /// resolves.
  std::string host_path;
  std::vector<std::string> args;  ///< argv[1..]
  std::vector<std::string> env;   ///< KEY=VALUE; PATH and HOME get defaults where absent
  std::string cwd = "/";
  std::vector<GuestFile> files;  ///< further files, copied in
};

/// Whether to wait further for a program to start.
enum class SpawnGoes : std::uint8_t { kOn, kNoFurther };
/// Told how a slice of the run ended.
using SpawnProgress = std::function<SpawnGoes(const Stop&)>;

/// The supervisor's ELF image, built into this library.
std::span<const std::uint8_t> supervisor_image();

/// Checks PROGRAM (Error(kFile): missing, empty, a directory, unreadable, another architecture, truncated,
/// headers beyond the file, absurd sizes; the message names file and cause) and returns the initramfs (cpio
/// newc) that holds it, its interpreter and shared libraries from the cross toolchain's sysroot, its further
/// files and the run file.
std::vector<std::uint8_t> make_initramfs(const Program& program);

/// An initramfs with the base tree alone: the supervisor comes up and waits on the control port.
std::vector<std::uint8_t> make_base_initramfs();

/// Fills kernel, initrd and command line of `config`, and adds a share for each of `mounts`.
void prepare_supervisor(Config& config, const Program* program, const GuestMounts& mounts = {});

/// Whether the guest has a directory of its own at `guest_path`, above it or beneath it, that a share there
/// would hide or that would hide the share.
bool collides_with_guest(std::string_view guest_path);

/// Writes `kernel`, `initramfs.cpio`, `command-line` and `run.sh` that run the same program on
/// qemu-system-riscv64 -M virt.
void export_qemu(const Config& config, const std::string& directory);

/// Puts a program and its files into a supervisor that is up, and runs the machine until it has been started.
/// Returns its pid. Error(kUsage) for a bare machine; Error(kFile) as above; Error(kInternal) that names what
/// the guest refused, and its errno: the program is then not started. `progress` is called between slices of
/// the run and may throw. A slice that did not end by its count ends the wait unless `progress` says kOn.
/// `mounts` are what the supervisor was prepared with; with a root, the program is in that.
int spawn(Machine& machine, const Program& program, const SpawnProgress& progress = {},
          const GuestMounts& mounts = {});

}  // namespace quire
