#include "emu/machine/seed.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace quire {

std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose) {
  return XXH3_64bits_withSeed(purpose.data(), purpose.size(), seed);
}

std::vector<std::uint8_t> seed_bytes(std::uint64_t seed, std::string_view purpose, std::size_t count_bytes) {
  std::vector<std::uint8_t> bytes;
  for (std::uint64_t block = 0; bytes.size() < count_bytes; ++block) {
    std::uint64_t word = XXH3_64bits_withSeed(&block, sizeof block, derive_seed(seed, purpose));
    for (unsigned i = 0; i < sizeof word && bytes.size() < count_bytes; ++i, word >>= 8) {
      bytes.push_back(static_cast<std::uint8_t>(word));
    }
  }
  return bytes;
}

}  // namespace quire
