// The instruction fuzzer's mutations: bytes alone seldom become instructions that do something.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/insn_encodings.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// Half of the mutations are the fuzzer's own; the others put a whole instruction in or over the code.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  using namespace quire::fuzz;
  Random random(seed);
  constexpr std::size_t kCode = sizeof(Header);
  if (size < kCode || max_size < kCode + 64 || random.one_in(2)) {
    if (size >= kCode || max_size < kCode) return LLVMFuzzerMutate(data, size, max_size);
    while (size < kCode) data[size++] = static_cast<std::uint8_t>(random.next());
    return size;
  }
  for (std::uint64_t count = 1 + random.below(8); count > 0; --count) {
    const quire::u32 raw = random_encoding(random);
    const std::size_t at = kCode + random.below((size - kCode) / 2 + 1) * 2;
    const bool insert = random.one_in(2) || at + sizeof raw > size;
    if (insert) {
      const std::size_t tail = std::min(size, max_size - sizeof raw);
      if (at > tail) continue;
      std::memmove(data + at + sizeof raw, data + at, tail - at);
      size = tail + sizeof raw;
    }
    std::memcpy(data + at, &raw, sizeof raw);
  }
  return size;
}
