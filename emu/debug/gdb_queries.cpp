// The q, Q and v packets: what the target can do, its descriptions, monitor commands.
#include <fmt/format.h>

#include <algorithm>

#include "emu/debug/gdb_packet.h"
#include "emu/debug/gdb_registers.h"
#include "emu/debug/gdb_stub.h"
#include "emu/debug/hex.h"

namespace quire::debug {

Answer GdbStub::query(std::string_view packet) {
  if (take(packet, "qSupported")) return supported(packet);
  if (take(packet, "qXfer:")) return transfer(packet);
  if (take(packet, "qRcmd,")) return monitor(packet);
  if (packet == "qC") return ended_ ? unsupported() : answer("QC1");
  if (packet == "qfThreadInfo") return answer(ended_ ? "l" : "m1");
  if (packet == "qsThreadInfo") return answer("l");
  if (packet == "qThreadExtraInfo,1") return answer(text_to_hex("hart 0"));
  if (packet.starts_with("qAttached")) return answer("1");
  if (packet.starts_with("qSymbol:")) return ok();
  if (packet == "qqemu.PhyMemMode") return answer(monitor_.physical_memory() ? "1" : "0");
  return unsupported();
}

Answer GdbStub::set_query(std::string_view packet) {
  if (packet == "QStartNoAckMode") {
    no_acks_ = true;
    return ok();
  }
  if (take(packet, "Qqemu.PhyMemMode:")) {
    if (packet != "0" && packet != "1") return answer(kInvalid);
    monitor_.set_physical_memory(packet == "1");
    return ok();
  }
  return unsupported();
}

Answer GdbStub::v_packet(std::string_view packet) {
  if (packet == "vCont?") return answer("vCont;c;C;s;S;r");
  if (take(packet, "vCont;")) return resume_by_thread(packet);
  if (packet.starts_with("vKill")) return kill();
  if (packet.starts_with("vRun") && extended_) return restart();
  if (packet.starts_with("vAttach;") && extended_) return answer(last_stop_);
  return unsupported();
}

Answer GdbStub::supported(std::string_view features) {
  tells_kind_ = features.find("swbreak+") != std::string_view::npos &&
                features.find("hwbreak+") != std::string_view::npos;
  return answer(
      fmt::format("PacketSize={:x};qXfer:features:read+;qXfer:memory-map:read+;QStartNoAckMode+;"
                  "vContSupported+{}",
                  kMaxPacketBytes, tells_kind_ ? ";swbreak+;hwbreak+" : ""));
}

/// An extended client may start the guest over afterwards.
Answer GdbStub::kill() {
  if (!extended_) return {.packets = {"OK"}, .resume = Resume::kKill};
  ended_ = true;
  last_stop_ = "X09";
  return ok();
}

/// "OBJECT:read:ANNEX:OFFSET,LENGTH": a piece, after 'm' when more follows and 'l' when not.
Answer GdbStub::transfer(std::string_view args) const {
  std::string text;
  if (take(args, "features:read:target.xml:")) {
    text = target_xml(machine_.hart());
  } else if (take(args, "memory-map:read::")) {
    text = memory_map_xml(machine_.memory());
  } else {
    return args.starts_with("features:read:") ? answer("E00") : unsupported();
  }
  const auto offset = take_hex(args);
  if (!offset || !take(args, ",")) return answer("E00");
  const auto length = parse_hex(args);
  if (!length || *offset > text.size()) return answer("E00");
  // Half of a packet, as any character might have to be escaped.
  const std::string piece = text.substr(*offset, std::min<std::uint64_t>(*length, kMaxPacketBytes / 2));
  return answer((*offset + piece.size() < text.size() ? "m" : "l") + piece);
}

/// Long answers take several packets of console output.
Answer GdbStub::monitor(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes) return answer(kInvalid);
  const std::string text = monitor_.run({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  Answer result;
  constexpr std::size_t kPieceBytes = kMaxPacketBytes / 2 - 16;
  for (std::size_t at = 0; at < text.size(); at += kPieceBytes) {
    result.packets.push_back("O" + text_to_hex(std::string_view(text).substr(at, kPieceBytes)));
  }
  result.packets.emplace_back("OK");
  return result;
}

}  // namespace quire::debug
