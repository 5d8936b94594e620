#include "emu/machine/htif.h"

#include <cstring>

#include "quire/arch/bits.h"

namespace quire {
namespace {

// Fields of a command: device 63:56, command 55:48, payload 47:0.
constexpr u64 kConsoleDevice = 1;
constexpr u64 kConsoleWrite = 1;

// Of Linux's table, which the proxy speaks.
constexpr u64 kSysWrite = 64;
constexpr u64 kSysExit = 93;
constexpr u64 kSysExitGroup = 94;
constexpr u64 kErrorBadAddress = static_cast<u64>(-14);
constexpr u64 kErrorNoCall = static_cast<u64>(-38);

}  // namespace

Htif::Htif(Ram& ram, PhysAddr tohost, std::optional<PhysAddr> fromhost, std::shared_ptr<ByteSink> console,
           ExitHandler on_exit)
    : ram_(ram),
      tohost_(tohost),
      fromhost_(fromhost),
      console_(std::move(console)),
      on_exit_(std::move(on_exit)) {
  ram_.add_watcher(this);
  ram_.watch_for_device(tohost_, sizeof(u64));
}

Htif::~Htif() { ram_.remove_watcher(this); }

u64 Htif::read_word(PhysAddr address) const {
  u64 value;
  std::memcpy(&value, ram_.host(address), sizeof value);
  return value;
}

void Htif::write_word(PhysAddr address, u64 value) {
  u8 bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  ram_.write(address, bytes);
}

void Htif::ram_written(PhysAddr start, u64 count_bytes, Writer) {
  const bool touches = start.value < tohost_.value + 8 && tohost_.value < start.value + count_bytes;
  if (!touches || answering_) {
    return;
  }
  const u64 value = read_word(tohost_);
  if (value != 0) {
    command(value);
  }
}

void Htif::command(u64 value) {
  const u64 device = bits(value, 63, 56);
  const u64 code = bits(value, 55, 48);
  if (device == kConsoleDevice && code == kConsoleWrite) {
    const u8 byte = static_cast<u8>(value);
    print({&byte, 1});
    answer(value & ~bits(~u64{0}, 47, 0));
  } else if (device == 0 && (value & 1) != 0) {
    on_exit_(value >> 1);
  } else if (device == 0 && ram_.contains(PhysAddr(value), 8 * sizeof(u64))) {
    system_call(PhysAddr(value));
    answer(1);
  }
  // A command of another kind stays unanswered, as an absent device's does.
}

void Htif::answer(u64 value) {
  answering_ = true;
  write_word(tohost_, 0);
  if (fromhost_) {
    write_word(*fromhost_, value);
  }
  answering_ = false;
}

/// The block holds the call's number and arguments, and then its result in the first word.
void Htif::system_call(PhysAddr block) {
  const u64 number = read_word(block);
  u64 result = kErrorNoCall;
  if (number == kSysWrite) {
    const PhysAddr text(read_word(block + 16));
    const u64 count = read_word(block + 24);
    result = kErrorBadAddress;
    if (ram_.contains(text, count)) {
      print({ram_.host(text), count});
      result = count;
    }
  } else if (number == kSysExit || number == kSysExitGroup) {
    on_exit_(read_word(block + 8));
  }
  answering_ = true;
  write_word(block, result);
  answering_ = false;
}

void Htif::print(std::span<const u8> text) {
  if (console_) {
    console_->write(text);
  }
}

}  // namespace quire
