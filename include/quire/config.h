// What a machine is made of. Plain data; Machine's constructor checks it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/arch/bootinfo.h"
#include "quire/byte_stream.h"
#include "quire/screen.h"

namespace quire {

enum class TlbPolicy : std::uint8_t { kDefault, kLru, kFifo, kRandom };

/// Whether every hit of the TLB is compared with a fresh walk (quire/fence_report.h). It slows the machine
/// down and changes nothing that the guest sees.
enum class FenceCheck : std::uint8_t { kOff, kReport };

/// Geometry of the architectural TLB. `entries` and `ways` are powers of two, ways <= entries <= 65536;
/// entries == ways is fully associative.
struct TlbConfig {
  std::uint32_t entries = 4096;
  std::uint32_t ways = 4;
  TlbPolicy policy = TlbPolicy::kDefault;
  FenceCheck check = FenceCheck::kOff;
};

/// What the first instruction is.
enum class BootMode : std::uint8_t {
  kBare,        ///< an ELF in M-mode, from its entry point; no firmware
  kSupervisor,  ///< a kernel in S-mode under the built-in SBI
};

/// A raw disk image as a virtio-blk device.
struct Drive {
  std::string path;
  bool read_only = false;
  bool snapshot = false;  ///< writes are kept for the run and never reach the file
};

/// A directory of the host as a virtio-9p device (9P2000.L). Nothing outside of it is reachable.
struct Share {
  std::string host_path;
  std::string tag;  ///< what the guest mounts; 1 to 31 bytes, no two alike
  bool writable = false;
};

struct Config {
  BootMode mode = BootMode::kSupervisor;
  std::uint64_t ram_bytes = 256ULL << 20;  ///< 16 MiB .. 64 GiB, a multiple of 2 MiB
  TlbConfig tlb;
  std::string isa;         ///< "rv64gc_zba": only these; empty: all the machine implements
  std::uint64_t seed = 0;  ///< also /chosen/rng-seed and virtio-rng
  std::uint64_t rtc_epoch_seconds = 1'767'225'600;  ///< 2026-01-01T00:00:00Z

  std::vector<std::uint8_t> kernel;  ///< bytes of an ELF or a Linux `Image`
  std::string kernel_name;           ///< for messages
  std::vector<std::uint8_t> initrd;
  std::string command_line;  ///< /chosen/bootargs
  std::vector<Drive> drives;
  std::vector<Share> shares;
  std::optional<ScreenSize> screen;  ///< a framebuffer at the end of RAM

  bool htif = false;  ///< end through the ELF's `tohost` symbol (kBare)

  std::shared_ptr<ByteSink> uart;  ///< null: dropped
  std::shared_ptr<ByteSource> uart_in;
  std::shared_ptr<ByteSource> stdin_stream;  ///< null: at end at once
  std::shared_ptr<ByteSink> stdout_stream;
  std::shared_ptr<ByteSink> stderr_stream;
};

}  // namespace quire
