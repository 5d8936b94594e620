// What can be asked of a snapshot; see quire/snapshot.h. Its file is in snapshot_file.cpp, how it is taken
// and put back in machine_state.cpp.
#include "quire/snapshot.h"

#include <algorithm>
#include <cstring>

#include "emu/machine/digest.h"
#include "emu/machine/snapshot_impl.h"
#include "quire/arch/memmap.h"
#include "quire/error.h"

namespace quire {
namespace {

using arch::kPageBytes;

/// Empty where both are the same.
void append_difference(const u8* a, const u8* b, u64 address, std::vector<MemoryDifference>& out) {
  static constexpr u8 kZeroes[kPageBytes] = {};
  a = a == nullptr ? kZeroes : a;
  b = b == nullptr ? kZeroes : b;
  MemoryDifference found{0, 0, 0};
  for (u64 i = 0; i < kPageBytes; ++i) {
    if (a[i] != b[i]) {
      found.address = found.changed == 0 ? address + i : found.address;
      found.bytes = address + i + 1 - found.address;
      ++found.changed;
    }
  }
  if (found.changed != 0) {
    out.push_back(found);
  }
}

}  // namespace

u64 Snapshot::icount() const { return impl_->icount; }
u64 Snapshot::time_ns() const { return impl_->time_ns; }
u64 Snapshot::pc() const { return impl_->pc; }
u64 Snapshot::ram_bytes() const { return impl_->ram.page_count() * kPageBytes; }

u64 Snapshot::pages() const {
  u64 count = 0;
  impl_->ram.for_each_page([&count](u64, const u8*) { ++count; });
  return count;
}

u64 Snapshot::digest() const {
  StateDigest digest(impl_->digest_words);
  impl_->ram.for_each_page([&digest](u64 index, const u8* page) { digest.add_page(index, page); });
  return digest.value();
}

bool Snapshot::same(const Snapshot& other) const {
  const Impl& a = *impl_;
  const Impl& b = *other.impl_;
  if (a.settings != b.settings || a.sections != b.sections || a.ram.page_count() != b.ram.page_count()) {
    return false;
  }
  std::vector<MemoryDifference> found;
  a.ram.for_each_difference(b.ram, [&](u64 index) {
    if (found.empty()) {
      append_difference(a.ram.page(index), b.ram.page(index), 0, found);
    }
  });
  return found.empty();
}

SnapshotDiff Snapshot::diff(const Snapshot& other) const {
  const Impl& a = *impl_;
  const Impl& b = *other.impl_;
  if (a.ram.page_count() != b.ram.page_count()) {
    throw Error(ErrorKind::kUsage, "the snapshots are of machines with different RAM and cannot be compared");
  }
  SnapshotDiff result;
  for (usize i = 0; i < a.values.size() && i < b.values.size(); ++i) {
    if (a.values[i].value != b.values[i].value) {
      result.values.push_back({a.values[i].name, a.values[i].value, b.values[i].value});
    }
  }
  a.ram.for_each_difference(b.ram, [&](u64 index) {
    append_difference(a.ram.page(index), b.ram.page(index), arch::kRamBase + index * kPageBytes,
                      result.memory);
  });
  for (const Impl::Section& section : a.sections) {
    const auto same = std::find_if(b.sections.begin(), b.sections.end(),
                                   [&section](const auto& one) { return one.name == section.name; });
    if (section.name != kHartSection && (same == b.sections.end() || same->state != section.state)) {
      result.parts.push_back(section.name);
    }
  }
  return result;
}

}  // namespace quire
