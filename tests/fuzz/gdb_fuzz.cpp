// Feeds gdb's remote protocol to the stub of a small machine, as a hostile or broken client would.
//
// The first byte says how: raw bytes as they would come from a socket, or lines that are framed with a right
// checksum, so that what is behind the framing is reached. Besides crashes and hangs it checks what is always
// true: each answer survives its own framing and keeps to the packet size, and the guest never runs but when
// it was told to.
#include <cstdint>
#include <string>
#include <string_view>

#include "emu/base/assert.h"
#include "emu/debug/gdb_packet.h"
#include "emu/debug/gdb_stub.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace {

using namespace quire;
using namespace quire::debug;
using namespace quire::test;

constexpr std::uint64_t kInsnsPerResumption = 200;

/// Loads, stores and a trap, then an end.
Config guest() {
  Code code{addi(sp, sp, 16), sd(t0, sp, 0),       ld(t1, sp, 0),
            addi(t0, t0, 1),  addi(t2, zero, 100), blt(t0, t2, -20)};
  append_exit(code, 3);
  Config config = config_for(BootMode::kBare, code);
  return config;
}

void check_framing(const std::string& payload) {
  QUIRE_ASSERT(payload.size() <= kMaxPacketBytes);
  const std::string bytes = frame(payload);
  PacketParser parser;
  parser.feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  const auto back = parser.next();
  QUIRE_ASSERT(back && back->kind == Incoming::Kind::kPacket && back->payload == payload);
}

class Client {
 public:
  Client() : machine_(guest()), stub_(machine_) { machine_.hart().set_x(sp, kRam + 0x1000); }

  void send(std::string_view bytes) {
    parser_.feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    while (const auto incoming = parser_.next()) {
      if (incoming->kind == Incoming::Kind::kPacket) packet(incoming->payload);
    }
  }

 private:
  void packet(const std::string& payload) {
    const std::uint64_t before = machine_.icount();
    const Answer answer = stub_.handle(payload);
    QUIRE_ASSERT(machine_.icount() == before);
    for (const std::string& one : answer.packets) check_framing(one);
    if (answer.resume == Resume::kNo) return;
    if (answer.resume == Resume::kDetach || answer.resume == Resume::kKill) {
      stub_.connected();
      return;
    }
    const std::uint64_t count = answer.resume == Resume::kStep ? 1 : kInsnsPerResumption;
    for (const std::string& one : stub_.stopped(machine_.run({.max_insns = count}))) check_framing(one);
  }

  Machine machine_;
  GdbStub stub_;
  PacketParser parser_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Client client;
  if ((data[0] & 1) == 0) {
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 7)))
      client.send(text.substr(0, 7));
    return 0;
  }
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    client.send(frame(line));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return 0;
}
