#include "emu/machine/digest.h"

#include <algorithm>
#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "emu/mem/touched_pages.h"
#include "quire/arch/sv39.h"

namespace quire {

struct StateDigest::State {
  XXH3_state_t hash;
};

StateDigest::StateDigest(std::span<const u64> words) : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->hash);
  XXH3_64bits_update(&state_->hash, words.data(), words.size_bytes());
}
StateDigest::~StateDigest() = default;

void StateDigest::add_page(u64 index, const u8* bytes) {
  const u64 entry[] = {index, XXH3_64bits(bytes, kPageBytes)};
  XXH3_64bits_update(&state_->hash, entry, sizeof entry);
}

u64 StateDigest::value() const { return XXH3_64bits_digest(&state_->hash); }

u64 digest_state(std::span<const u64> words, std::span<const u8> ram) {
  StateDigest digest(words);
  const TouchedPages touched;
  constexpr u64 kBatchPages = 16384;
  const u64 pages = ram.size() / kPageBytes;
  std::vector<u8> flags;
  for (u64 batch = 0; batch < pages; batch += kBatchPages) {
    flags.resize(std::min(kBatchPages, pages - batch));
    touched.find(ram.data() + batch * kPageBytes, flags);
    for (u64 i = 0; i < flags.size(); ++i) {
      const u8* const page = ram.data() + (batch + i) * kPageBytes;
      if (flags[i] != 0 && !is_zero_page(page)) {
        digest.add_page(batch + i, page);
      }
    }
  }
  return digest.value();
}

}  // namespace quire
