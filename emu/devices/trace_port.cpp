#include "emu/devices/trace_port.h"

#include <array>
#include <cstring>

namespace quire {

namespace {

bool known_event(u16 id) {
  switch (static_cast<TraceEventId>(id)) {
#define QUIRE_TRACE_EVENT(number, name, ...) case TraceEventId::k_##name:
#include "quire/arch/trace_events.inc"
#undef QUIRE_TRACE_EVENT
    return true;
  }
  return false;
}

}  // namespace

u64 TracePort::read(u64 offset, unsigned size) {
  return offset == kTraceRegId && size == 8 ? kTracePortMagic : 0;
}

void TracePort::write(u64 offset, unsigned size, u64 value) {
  if (size != 8) {
    return;
  }
  if (offset == kTraceRegRecord) {
    record_ = value;
  } else if (offset == kTraceRegDoorbell) {
    ring(value);
  }
}

void TracePort::ring(u64 doorbell) {
  const u16 id = static_cast<u16>(doorbell);
  const u64 count = doorbell >> 16;
  if (handler_ == nullptr || count > kTraceArgs || !known_event(id)) {
    return;
  }
  std::array<u8, std::size_t{kTraceArgs} * 8> bytes;
  const std::size_t len_bytes = count * 8;
  if (count > 0 && !dma_.read(record_, std::span(bytes).first(len_bytes))) {
    return;
  }
  std::array<u64, kTraceArgs> args{};
  std::memcpy(args.data(), bytes.data(), len_bytes);
  handler_(static_cast<TraceEventId>(id), std::span(args).first(count));
}

}  // namespace quire
