// What the launcher hands the supervisor: the run file in the initramfs, and the console ports.
//
// Run file (kRunFilePath): NUL-terminated strings. The first is kRunFileMagic, then in any order
// `cwd=DIR`, `arg=STRING` (once an argument, argv[0] first; the path to execute is `exe=PATH`) and
// `env=KEY=VALUE`. When the file is there the supervisor runs it as one process and powers off with
// its exit status (128 + signal when killed); when it is not, the supervisor waits for requests on
// the control port. The same strings are the payload of a spawn request.
//
// Mount file (kMountFilePath): NUL-terminated strings as well. The first is kMountFileMagic, then one string
// a 9P share: `root=TAG` (it is `/`, changes stay in the guest), `root-rw=TAG` (it is `/`), `share=TAG PATH`
// (at PATH, read-only) and `share-rw=TAG PATH`. A root replaces what the initramfs has; the run file is read
// before.
//
// Kernel command line: `quire.seed=N` (decimal; else /chosen/rng-seed, else 0), `quire.aslr=off`,
// `quire.loglevel=N` (0 panic .. 7 debug; default 4, warnings), `quire.check` (invariants are checked at the
// end), `quire.fail-alloc=[heap:|io:]N[+]`: from the start of the run file's program on, the N-th block of
// frames (with `heap:` the N-th kmalloc, with `io:` the N-th transfer by a device) is refused, with `+` every
// later one as well; the check at the end is spared.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr const char* kRunFilePath = "/.quire/run";
inline constexpr const char* kRunFileMagic = "quire-run 1";
inline constexpr const char* kMountFilePath = "/.quire/mounts";
inline constexpr const char* kMountFileMagic = "quire-mounts 1";

/// Ports of the virtio console (VIRTIO_CONSOLE_F_MULTIPORT); absent, all of them merge on the UART.
enum class ConsolePort : u32 { kStdin = 0, kStdout = 1, kStderr = 2, kControl = 3 };
inline constexpr unsigned kConsolePorts = 4;
inline constexpr const char* kConsolePortNames[kConsolePorts] = {"quire.stdin", "quire.stdout",
                                                                 "quire.stderr", "quire.control"};

/// A message on the control port, either way; `length_bytes` of payload follow.
struct ControlHeader {
  u32 magic;   ///< kControlMagic
  u32 type;    ///< ControlType
  u32 token;   ///< chosen by the host; the reply repeats it
  i32 result;  ///< reply: pid or 0, or a negative errno; request: 0
  u64 length_bytes;
};
static_assert(sizeof(ControlHeader) == 24);
inline constexpr u32 kControlMagic = 0x4c54'4351;  // "QCTL"

enum class ControlType : u32 {
  kPutFile = 1,   ///< payload: ControlPutFile, path (no NUL), file bytes; parents are made; replaces
  kSpawn = 2,     ///< payload: the run file's strings; the reply's result is the pid
  kPowerOff = 3,  ///< payload: none; `result` of the request is the exit status; no reply
};

struct ControlPutFile {
  u32 mode;  ///< permission bits, as st_mode & 07777; with S_IFDIR set: make a directory
  u32 path_bytes;
};
static_assert(sizeof(ControlPutFile) == 8);

}  // namespace quire::arch
