#include "emu/mem/ram_image.h"

#include <cstring>

#include "emu/base/assert.h"
#include "emu/mem/touched_pages.h"

namespace quire {

/// The chunk, to be changed: nobody else has it.
RamImage::Chunk& RamImage::own_chunk(u64 chunk) {
  auto& place = chunks_[chunk];
  auto own = place == nullptr ? std::make_shared<Chunk>() : std::make_shared<Chunk>(*place);
  Chunk& result = *own;
  place = std::move(own);
  return result;
}

void RamImage::set_page(u64 index, const u8* bytes) {
  auto& place = chunks_[index / kChunk];
  if (place == nullptr) place = std::make_shared<Chunk>();
  auto page = std::make_shared<Page>();
  std::memcpy(page->data(), bytes, kPageBytes);
  // Made here, and nobody shares it yet.
  const_cast<Chunk&>(*place)[index % kChunk] = std::move(page);
}

RamImage RamImager::take() {
  const TouchedPages touched;
  std::array<u8, RamImage::kChunk> present;
  for (u64 c = 0; c < last_.chunks_.size(); ++c) {
    const u64 first = c * RamImage::kChunk;
    const u64 end = std::min(first + RamImage::kChunk, ram_.page_count());
    RamImage::Chunk* chunk = nullptr;
    for (u64 i = first; i < end; ++i) {
      if (!ram_.has_changed(i)) continue;
      if (chunk == nullptr) {
        chunk = &last_.own_chunk(c);
        touched.find(ram_.bytes().data() + first * kPageBytes, std::span(present).first(end - first));
      }
      const u8* const now = ram_.bytes().data() + i * kPageBytes;
      auto& kept = (*chunk)[i % RamImage::kChunk];
      if (present[i - first] == 0 || is_zero_page(now)) {
        kept.reset();
      } else if (kept == nullptr || std::memcmp(kept->data(), now, kPageBytes) != 0) {
        auto page = std::make_shared<RamImage::Page>();
        std::memcpy(page->data(), now, kPageBytes);
        kept = std::move(page);
      }
      ram_.set_unchanged(i);
    }
  }
  return last_;
}

void RamImager::restore_page(const RamImage& image, u64 index) {
  u8* const bytes = ram_.bytes().data() + index * kPageBytes;
  if (const u8* const page = image.page(index)) {
    std::memcpy(bytes, page, kPageBytes);
  } else {
    std::memset(bytes, 0, kPageBytes);
  }
  ram_.wrote(ram_.base() + index * kPageBytes, kPageBytes, Writer::kOther);
  ram_.set_unchanged(index);
}

void RamImager::put(const RamImage& image) {
  QUIRE_ASSERT(image.page_count() == last_.page_count());
  last_.for_each_difference(image, [&](u64 index) { restore_page(image, index); });
  for (u64 i = 0; i < ram_.page_count(); ++i) {
    if (ram_.has_changed(i)) restore_page(image, i);
  }
  last_ = image;
}

}  // namespace quire
