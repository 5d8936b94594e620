// Drives virtio rng, console, blk and net as a hostile driver would.
//
// The input is a device and then a list of operations: register accesses, bytes into RAM, and, so that
// the depths are reached, whole steps of an honest driver. Besides crashes and hangs it checks what is
// always true: the line equals InterruptStatus, a broken device is silent, and sources are asked for
// at least one byte.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "emu/base/assert.h"
#include "emu/devices/virtio_blk.h"
#include "emu/devices/virtio_console.h"
#include "emu/devices/virtio_mmio.h"
#include "emu/devices/virtio_net.h"
#include "emu/devices/virtio_rng.h"
#include "tests/unit/emu/devices/fakes.h"

namespace quire {
namespace {

namespace vio = arch::virtio;
using testing::FakeClock;
using testing::FakeIrq;
using testing::FakeRam;

constexpr u64 kRamBytes = 32 << 10;
constexpr u64 kDiskBytes = 4096 + 100;

class Input {
 public:
  explicit Input(std::span<const u8> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  template <class T>
  T take() {
    T value{};
    const std::span<const u8> piece = take_bytes(sizeof value);
    std::copy(piece.begin(), piece.end(), reinterpret_cast<u8*>(&value));
    return value;
  }
  std::span<const u8> take_bytes(std::size_t count) {
    const auto piece = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(piece.size());
    return piece;
  }

 private:
  std::span<const u8> bytes_;
};

/// Gives a pattern for a while, with pauses, then ends.
class PatternSource final : public ByteSource {
 public:
  ReadResult read(std::span<u8> out) override {
    QUIRE_ASSERT(!out.empty());
    QUIRE_ASSERT(!ended_);
    ++calls_;
    if (calls_ > 40) {
      ended_ = true;
      return {ReadStatus::kEnd, 0};
    }
    if (calls_ % 3 == 0) {
      return {ReadStatus::kNotYet, 0};
    }
    const std::size_t count = std::min<std::size_t>(out.size(), calls_);
    std::fill_n(out.begin(), count, static_cast<u8>(calls_));
    return {ReadStatus::kData, count};
  }
  bool wait(int) override { return !ended_; }

 private:
  unsigned calls_ = 0;
  bool ended_ = false;
};

struct NullSink final : ByteSink {
  void write(std::span<const u8> data) override { QUIRE_ASSERT(!data.empty()); }
};

/// Sends back what it is sent, at once or when polled.
class EchoNetwork final : public Network {
 public:
  void set_receiver(Receiver receiver) override { receive_ = std::move(receiver); }
  void send(std::span<const u8> frame) override {
    QUIRE_ASSERT(!frame.empty() && frame.size() <= kMaxFrameBytes);
    if ((frame[0] & 1) != 0) {
      receive_(frame);
    } else {
      later_.assign(frame.begin(), frame.end());
    }
  }
  void poll() override {
    if (!later_.empty()) {
      receive_(later_);
    }
  }
  bool awaits_peers() const override { return false; }
  void wait(int) override {}

 private:
  Receiver receive_;
  std::vector<u8> later_;
};

std::unique_ptr<DiskImage> make_disk(DiskAccess access) {
  static const int file = memfd_create("disk", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  const std::string zeroes(kDiskBytes, 0);
  if (ftruncate(file, kDiskBytes) != 0 || pwrite(file, zeroes.data(), zeroes.size(), 0) < 0) {
    std::abort();
  }
  return std::make_unique<DiskImage>(path, access);
}

struct Target {
  FakeRam ram{kRamBytes};
  FakeIrq irq;
  FakeClock clock;
  VirtioConsole* console = nullptr;
  VirtioNet* net = nullptr;
  std::unique_ptr<VirtioMmio> device;
  u64 features = 0;
  std::array<u32, 16> sizes;

  explicit Target(u8 kind) {
    sizes.fill(1);
    std::unique_ptr<VirtioDevice> type;
    switch (kind % 6) {
      case 0:
        type = std::make_unique<VirtioRng>(kind);
        break;
      case 1:
        type = std::make_unique<VirtioBlk>(make_disk(DiskAccess::kReadWrite), "fuzz");
        break;
      case 2:
        type = std::make_unique<VirtioBlk>(make_disk(DiskAccess::kReadOnly), "fuzz");
        break;
      case 3:
        type = std::make_unique<VirtioBlk>(make_disk(DiskAccess::kThrowAway), "fuzz");
        break;
      case 4: {
        auto card =
            std::make_unique<VirtioNet>(std::make_unique<EchoNetwork>(), MacAddress{2, 0, 0, 0, 0, 1});
        net = card.get();
        type = std::move(card);
        break;
      }
      default: {
        auto ports = std::make_unique<VirtioConsole>(std::vector<VirtioConsole::PortBackend>{
            {"in", nullptr, std::make_shared<PatternSource>()},
            {"out", std::make_shared<NullSink>(), nullptr},
            {"both", std::make_shared<NullSink>(), std::make_shared<PatternSource>()}});
        console = ports.get();
        type = std::move(ports);
      }
    }
    features = type->features();
    device = std::make_unique<VirtioMmio>(std::move(type), ram, irq, clock);
  }

  u32 reg(u32 offset) { return static_cast<u32>(device->read(offset, 4)); }
  void set_reg(u32 offset, u64 value) { device->write(offset, 4, static_cast<u32>(value)); }

  void negotiate(u8 choice) {
    u64 wanted = features | vio::kFeatureVersion1;
    wanted |= (choice & 1) != 0 ? vio::kFeatureIndirectDesc : 0;
    wanted |= (choice & 2) != 0 ? vio::kFeatureEventIdx : 0;
    wanted &= (choice & 4) != 0 ? ~vio::kConsoleFeatureMultiport : ~u64{0};
    set_reg(vio::kRegStatus, 0);
    for (u32 half = 0; half < 2; ++half) {
      set_reg(vio::kRegDriverFeaturesSel, half);
      set_reg(vio::kRegDriverFeatures, wanted >> (32 * half));
    }
    set_reg(vio::kRegStatus, vio::kStatusFeaturesOk);
    set_reg(vio::kRegStatus, vio::kStatusDriverOk);
  }
  /// Queue `index` gets a kilobyte of its own; size 1..32.
  void set_up(u32 index, u8 size_log2) {
    const u64 base = queue_base(index);
    ram.put<u32>(base + 512, 0);  // the rings start empty
    ram.put<u32>(base + 640, 0);
    set_reg(vio::kRegQueueSel, index);
    sizes[index % 16] = 1U << (size_log2 % 6);
    set_reg(vio::kRegQueueNum, sizes[index % 16]);
    set_reg(vio::kRegQueueDescLow, base);
    set_reg(vio::kRegQueueDriverLow, base + 512);
    set_reg(vio::kRegQueueDeviceLow, base + 640);
    set_reg(vio::kRegQueueReady, 1);
  }
  u64 queue_base(u32 index) const { return FakeRam::kBase + 1024 * (index % 16); }

  void make_available(u32 index, u16 head) {
    const u64 avail = queue_base(index) + 512;
    const u16 idx = ram.get<u16>(avail + 2);
    ram.put<u16>(avail + 4 + (idx % sizes[index % 16]) * 2, head);
    ram.put<u16>(avail + 2, static_cast<u16>(idx + 1));
  }
  /// A request as the device type expects it, but for what the input bends: the message at the front,
  /// data to read or write, and for blk a status byte.
  void request(u32 index, Input& input) {
    const u64 front = FakeRam::kBase + kRamBytes / 2;
    const u64 data = front + 64;
    const u64 status = front + 32;
    const u8 shape = input.take<u8>();
    const u16 data_flag = (shape & 1) != 0 ? vio::kDescWrite : 0;
    const u32 data_len = (shape & 2) != 0 ? 512 * (input.take<u8>() % 12) : input.take<u8>();
    std::vector<vio::Desc> parts;
    if (console != nullptr) {
      const vio::ConsoleControl message{input.take<u8>() % 4u,
                                        static_cast<vio::ConsoleEvent>(input.take<u8>() % 10),
                                        static_cast<u16>(input.take<u8>() % 2)};
      ram.put(front, message);
      parts = {(shape & 4) != 0 ? vio::Desc{front, sizeof message, 0, 0}
                                : vio::Desc{data, data_len, data_flag, 0}};
    } else if (net != nullptr) {
      parts = {{front, sizeof(vio::NetHeader), data_flag, 0}, {data, data_len, data_flag, 0}};
    } else if (features != 0) {
      const vio::BlkHeader header{static_cast<vio::BlkRequest>(input.take<u8>() % 16), 0,
                                  input.take<u8>() % 12u};
      ram.put(front, header);
      ram.put(data, vio::BlkSegment{input.take<u8>() % 12u, input.take<u8>() % 12u, input.take<u8>() % 4u});
      parts = {{front, sizeof header, 0, 0}, {data, data_len, data_flag, 0}, {status, 1, vio::kDescWrite, 0}};
    } else {
      parts = {{data, data_len, data_flag, 0}};
    }
    if ((shape & 8) != 0) {
      parts.back().addr = input.take<u32>();
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 < parts.size()) {
        parts[i].flags |= vio::kDescNext;
        parts[i].next = static_cast<u16>(i + 1);
      }
      ram.put(queue_base(index) + i * sizeof parts[i], parts[i]);
    }
    make_available(index, 0);
    set_reg(vio::kRegQueueNotify, index);
  }

  void check() {
    const u32 interrupts = reg(vio::kRegInterruptStatus);
    QUIRE_ASSERT(irq.asserted == (interrupts != 0));
    const bool broken = (reg(vio::kRegStatus) & vio::kStatusDeviceNeedsReset) != 0;
    QUIRE_ASSERT(broken == !device->failure().empty());
    QUIRE_ASSERT(!(broken && device->live()));
  }
};

void step(Target& target, Input& input) {
  switch (input.take<u8>() % 11) {
    case 0: {
      const u32 offset = input.take<u16>() % 0x200 & ~3U;
      target.set_reg(offset, input.take<u32>());
      break;
    }
    case 1:
      target.device->read(input.take<u16>() % 0x1000 & ~7U, 1U << (input.take<u8>() % 4));
      break;
    case 2: {
      const u64 offset = input.take<u16>() % kRamBytes;
      target.ram.write(FakeRam::kBase + offset, input.take_bytes(input.take<u8>() % 64));
      break;
    }
    case 3:
      target.negotiate(input.take<u8>());
      break;
    case 4: {
      const u32 index = input.take<u8>() % 10;
      target.set_up(index, input.take<u8>());
      break;
    }
    case 5:
      target.set_reg(vio::kRegQueueNotify, input.take<u8>() % 12);
      break;
    case 6: {
      const u32 index = input.take<u8>() % 10;
      const u64 slot = input.take<u8>() % 32;
      vio::Desc desc;
      desc.addr = FakeRam::kBase + input.take<u16>() % (kRamBytes + 64);
      desc.len = input.take<u16>() % 2048;
      desc.flags = input.take<u8>() % 8;
      desc.next = input.take<u8>() % 33;
      target.ram.put(target.queue_base(index) + slot * sizeof desc, desc);
      break;
    }
    case 7: {
      const u32 index = input.take<u8>() % 10;
      target.make_available(index, input.take<u8>() % 33);
      break;
    }
    case 8:
      target.request(input.take<u8>() % 10, input);
      break;
    case 9:  // what was put off goes on
      target.clock.advance_to(target.clock.now_ns() + input.take<u16>());
      break;
    default:
      if (target.net != nullptr) {
        target.net->poll_inputs();
      } else if (target.console != nullptr) {
        target.console->poll_inputs();
        const bool wanted = target.console->wants_input(input.take<u8>() % 3);
        QUIRE_ASSERT(!wanted || target.device->live());
      } else {
        target.device->reset();
      }
  }
}

}  // namespace
}  // namespace quire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quire::Input input({data, size});
  const quire::u8 kind = input.take<quire::u8>();
  quire::Target target(kind);
  if ((kind & 0x80) == 0) {  // start where an honest driver would be
    target.negotiate(kind >> 2);
    for (quire::u32 queue = 0; queue < 8; ++queue) {
      target.set_up(queue, 3);
    }
  }
  for (int steps = 0; steps < 400 && !input.empty(); ++steps) {
    quire::step(target, input);
    target.check();
  }
  return 0;
}
