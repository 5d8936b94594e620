#include "emu/mem/ram.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "emu/base/assert.h"
#include "emu/base/touch.h"

namespace quire {
namespace {

/// An image's, most likely to memory that nothing has touched.
constexpr usize kLargeWrite = 256 << 10;

}  // namespace

Ram::Ram(PhysAddr base, u64 size_bytes) : base_(base), size_bytes_(size_bytes), host_(nullptr) {
  QUIRE_ASSERT(is_aligned(base.value, kPageBytes) && is_aligned(size_bytes, kPageBytes) && size_bytes != 0);
  void* mapping =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  host_ = static_cast<u8*>(mapping);
  page_flags_.resize(page_count());
}

Ram::~Ram() { munmap(host_, size_bytes_); }

void Ram::write(PhysAddr start, std::span<const u8> data) {
  QUIRE_ASSERT(data.empty() || contains(start, data.size()));
  if (data.empty()) return;
  if (data.size() >= kLargeWrite) touch_pages(host(start), data.size());
  std::memcpy(host(start), data.data(), data.size());
  wrote(start, data.size(), Writer::kOther);
}

void Ram::read(PhysAddr start, std::span<u8> out) const {
  QUIRE_ASSERT(out.empty() || contains(start, out.size()));
  if (!out.empty()) std::memcpy(out.data(), host(start), out.size());
}

void Ram::watch_for_device(PhysAddr start, u64 count_bytes) {
  device_ranges_.push_back({start.value, start.value + count_bytes});
  set_bit(start, kDevice, true);
  set_bit(start + (count_bytes - 1), kDevice, true);
}

bool Ram::device_looks_at(PhysAddr start, u64 count_bytes) const {
  if ((page_flags_[page_index(start)] & kDevice) == 0) return false;
  const u64 end = start.value + count_bytes;
  return std::any_of(device_ranges_.begin(), device_ranges_.end(),
                     [&](const Range& range) { return range.start < end && start.value < range.end; });
}

void Ram::remove_watcher(RamWatcher* watcher) { std::erase(watchers_, watcher); }

void Ram::wrote(PhysAddr start, u64 count_bytes, Writer writer) {
  const u64 end = page_index(start + (count_bytes - 1));
  for (u64 page = page_index(start); page <= end; ++page) page_flags_[page] |= kChanged;
  for (RamWatcher* watcher : watchers_) {
    watcher->ram_written(start, count_bytes, writer);
  }
}

}  // namespace quire
