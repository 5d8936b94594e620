// HTIF: how bare-metal programs talk to the host through the words `tohost` and `fromhost`, as Spike has it.
//
// A store to `tohost` is seen at once: its page is marked as one whose stores are told to watchers. An odd
// value v ends the run with status v >> 1; device 1 is a console; an even value else is the address of a
// proxied system call, of which write and exit are served.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "emu/mem/ram.h"
#include "quire/byte_stream.h"

namespace quire {

class Htif final : public RamWatcher {
 public:
  using ExitHandler = std::function<void(u64 status)>;

  /// Precondition: `tohost` (and `fromhost`) are 8 bytes of RAM each.
  Htif(Ram& ram, PhysAddr tohost, std::optional<PhysAddr> fromhost, std::shared_ptr<ByteSink> console,
       ExitHandler on_exit);
  ~Htif() override;

  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override;

 private:
  u64 read_word(PhysAddr address) const;
  void write_word(PhysAddr address, u64 value);
  void command(u64 value);
  void answer(u64 value);
  void system_call(PhysAddr block);
  void print(std::span<const u8> text);

  Ram& ram_;
  const PhysAddr tohost_;
  const std::optional<PhysAddr> fromhost_;
  std::shared_ptr<ByteSink> console_;
  ExitHandler on_exit_;
  bool answering_ = false;
};

}  // namespace quire
