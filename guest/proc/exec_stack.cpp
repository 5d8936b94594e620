#include "guest/proc/exec_stack.h"

#include "guest/drivers/entropy.h"

namespace kernel {

namespace {

constexpr u64 kStackAlignment = 16;
constexpr usize kRandomBytes = 16;
/// AT_EXECFN, AT_RANDOM, AT_NULL.
constexpr usize kAddedAux = 3;

/// Writes the NUL-terminated strings of `args` from `at` up, and the pointers to them.
class StringWriter {
 public:
  StringWriter(AddressSpace& space, const ExecArgs& args) : space_(space), args_(args) {}

  KResult<void> write(VirtAddr at, Vector<u64>& words) {
    VirtAddr place = at;
    usize index = 0;
    TRY(words.reserve(args_.arg_count() + args_.env_count() + 3));
    TRY(words.push(args_.arg_count()));
    const auto written = args_.for_each_piece([&](ConstByteSpan piece) -> KResult<void> {
      TRY(space_.write(place, piece));
      bool start = true;
      for (usize i = 0; i < piece.size(); i++) {
        if (start) {
          if (index++ == args_.arg_count()) {
            TRY(words.push(0));
          }
          TRY(words.push(place.value + i));
        }
        start = piece[i] == 0;
      }
      place += piece.size();
      return {};
    });
    if (!written.ok()) {
      return Err(written.error());
    }
    if (args_.env_count() == 0) {
      TRY(words.push(0));
    }
    return words.push(0);
  }

 private:
  AddressSpace& space_;
  const ExecArgs& args_;
};

}  // namespace

u64 stack_bytes_needed(const StackContents& contents) {
  const u64 words =
      contents.args.arg_count() + contents.args.env_count() + 3 + 2 * (contents.aux.size() + kAddedAux);
  return contents.args.total_bytes() + contents.execfn.size() + 1 + sizeof(u64) + kRandomBytes +
         contents.random_offset_bytes + words * sizeof(u64) + 4 * kStackAlignment;
}

KResult<StackLayout> build_stack(AddressSpace& space, VirtAddr top, const StackContents& contents) {
  StackLayout layout;
  VirtAddr at = top - sizeof(u64);  // a word of zeroes ends the stack
  at -= contents.execfn.size() + 1;
  const VirtAddr execfn = at;
  TRY(space.write(at, as_bytes(contents.execfn)));  // fresh memory: the NUL is there
  at -= contents.args.total_bytes();
  layout.args_start = at;
  layout.args_end = layout.env_start = at + contents.args.arg_bytes();
  layout.env_end = execfn;
  Vector<u64> words;
  TRY(StringWriter(space, contents.args).write(at, words));

  at = VirtAddr(align_down(at.value - contents.random_offset_bytes, kStackAlignment)) - kRandomBytes;
  u8 random[kRandomBytes];
  random_bytes(ByteSpan(random, sizeof(random)));
  TRY(space.write(at, ConstByteSpan(random, sizeof(random))));
  TRY(layout.aux.append(contents.aux));
  TRY(layout.aux.push({kAtRandom, at.value}));
  TRY(layout.aux.push({kAtExecFn, execfn.value}));
  TRY(layout.aux.push({kAtNull, 0}));
  for (const AuxEntry& entry : layout.aux) {
    TRY(words.push(entry.type));
    TRY(words.push(entry.value));
  }

  const u64 bytes = words.size() * sizeof(u64);
  at = VirtAddr(align_down(at.value - bytes, kStackAlignment));
  TRY(space.write(at, ConstByteSpan(reinterpret_cast<const u8*>(words.data()), bytes)));
  layout.stack_pointer = at;
  return layout;
}

}  // namespace kernel
