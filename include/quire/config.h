// What a machine is made of. Plain data; Machine's constructor checks it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quire/arch/bootinfo.h"
#include "quire/byte_stream.h"
#include "quire/device.h"
#include "quire/screen.h"

namespace quire {

enum class TlbPolicy : std::uint8_t { kDefault, kLru, kFifo, kRandom };

/// Whether every hit of the TLB is compared with a fresh walk (quire/fence_report.h). It slows the machine
/// down and changes nothing that the guest sees.
enum class FenceCheck : std::uint8_t { kOff, kReport };

/// Geometry of the architectural TLB. `entries` and `ways` are powers of two, ways <= entries <= 65536;
/// entries == ways is fully associative.
struct TlbConfig {
  std::uint32_t entries = 16384;
  std::uint32_t ways = 4;
  TlbPolicy policy = TlbPolicy::kDefault;
  FenceCheck check = FenceCheck::kOff;

  /// Whether TlbStats counts hits, or leaves them 0.
  bool counts_hits() const { return policy != TlbPolicy::kDefault || check != FenceCheck::kOff; }
};

/// What the first instruction is.
enum class BootMode : std::uint8_t {
  kBare,        ///< an ELF in M-mode, from its entry point; no firmware
  kSupervisor,  ///< a kernel in S-mode under the built-in SBI
  kFirmware,    ///< `firmware` in M-mode, which is told where `kernel` is
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

/// A port of the host whose connections (or datagrams) go to a port of the guest.
struct HostForward {
  enum class Protocol : std::uint8_t { kTcp, kUdp };
  Protocol protocol = Protocol::kTcp;
  std::string host_address = "127.0.0.1";  ///< numeric IPv4
  std::uint16_t host_port = 0;
  std::string guest_address;  ///< numeric IPv4; empty: the one DHCP gives the guest
  std::uint16_t guest_port = 0;
};

enum class NetMode : std::uint8_t {
  kNone,
  kUser,  ///< a virtio-net device behind a NAT in this process
};

struct NetConfig {
  NetMode mode = NetMode::kNone;
  std::vector<HostForward> forwards;
};

/// What happens with the time until the next event while the guest waits for an interrupt.
enum class IdleTime : std::uint8_t {
  kSkip,  ///< it is over at once, so that runs repeat
  kWait,  ///< it passes on the host as well, as long as input may come: for people and peers that answer
};

/// What executes instructions. It changes nothing that the guest sees, nor digests, nor what a snapshot
/// holds.
enum class EngineKind : std::uint8_t {
  kAuto,  ///< the translator where the host has what it needs, else the interpreter
  kInterpreter,
  kTranslator,  ///< by host code; where translator_problem() (quire/machine.h) says nothing
};
struct EngineConfig {
  EngineKind kind = EngineKind::kAuto;
  // Of the translator:
  unsigned threshold = 4;  ///< times that a block is interpreted before it is translated, 0 to 254
  unsigned hot = 2;       ///< times that a block is found running before it is made anew for speed, 0 to 1000
  bool perf_map = false;  ///< names for perf(1), in /tmp/perf-PID.map
  std::uint64_t code_bytes = 64ULL << 20;  ///< of host code at most: 2 MiB .. 1 GiB, a multiple of 2 MiB
  std::vector<std::string> off;            ///< what it leaves out, to find what made a result wrong: groups
                                           ///< of instructions (done by calls) and ways of it
};

struct Config {
  BootMode mode = BootMode::kSupervisor;
  std::uint64_t ram_bytes = 256ULL << 20;  ///< 16 MiB .. 64 GiB, a multiple of 2 MiB
  TlbConfig tlb;
  std::string isa;         ///< "rv64gc_zba": only these; empty: all the machine implements
  std::uint64_t seed = 0;  ///< also /chosen/rng-seed and virtio-rng
  std::uint64_t rtc_epoch_seconds = 1'767'225'600;  ///< 2026-01-01T00:00:00Z

  EngineConfig engine;
  unsigned harts = 1;  ///< no other number works yet
  IdleTime idle_time = IdleTime::kSkip;

  std::vector<std::uint8_t> firmware;  ///< kFirmware: an ELF, or a raw image for the start of RAM
  std::string firmware_name;           ///< for messages
  /// An ELF or a Linux `Image`; with kFirmware also a raw image, which goes where firmware expects it
  /// (2 MiB into RAM), or none.
  std::vector<std::uint8_t> kernel;
  std::string kernel_name;  ///< for messages
  std::vector<std::uint8_t> initrd;
  std::string command_line;  ///< /chosen/bootargs
  /// A flattened device tree instead of the board's own; command line and initrd are still put into it.
  std::vector<std::uint8_t> device_tree;
  std::string device_tree_name;  ///< for messages
  std::vector<Drive> drives;
  std::vector<Share> shares;
  NetConfig net;
  std::optional<ScreenSize> screen;  ///< a framebuffer at the end of RAM; not with `device_tree`
  std::vector<AddedDevice> devices;  ///< besides the board's own

  bool htif = false;  ///< end through the ELF's `tohost` symbol (kBare)

  std::shared_ptr<ByteSink> uart;  ///< null: dropped
  std::shared_ptr<ByteSource> uart_in;
  std::shared_ptr<ByteSource> stdin_stream;  ///< null: at end at once
  std::shared_ptr<ByteSink> stdout_stream;
  std::shared_ptr<ByteSink> stderr_stream;
};

}  // namespace quire
