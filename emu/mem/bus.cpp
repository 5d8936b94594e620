#include "emu/mem/bus.h"

#include <algorithm>
#include <cstring>

#include "emu/base/assert.h"
#include "emu/mem/faults.h"
#include "emu/mem/observer.h"

namespace quire {
namespace {

// Constant sizes become single moves.
u64 read_host(const u8* host, unsigned size) {
  u64 value = 0;
  switch (size) {
    case 1:
      return *host;
    case 2:
      std::memcpy(&value, host, 2);
      return value;
    case 4:
      std::memcpy(&value, host, 4);
      return value;
    default:
      std::memcpy(&value, host, 8);
      return value;
  }
}

void write_host(u8* host, unsigned size, u64 value) {
  switch (size) {
    case 1:
      *host = static_cast<u8>(value);
      break;
    case 2:
      std::memcpy(host, &value, 2);
      break;
    case 4:
      std::memcpy(host, &value, 4);
      break;
    default:
      std::memcpy(host, &value, 8);
      break;
  }
}

}  // namespace

void Bus::add_device(PhysAddr base, u64 size_bytes, Device* device) {
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), base,
                                      [](PhysAddr address, const Region& r) { return address < r.base; });
  const bool free_before =
      after == regions_.begin() || std::prev(after)->base + std::prev(after)->size_bytes <= base;
  const bool free_after = after == regions_.end() || base + size_bytes <= after->base;
  const bool beside_ram = base + size_bytes <= ram_.base() || ram_.base() + ram_.size_bytes() <= base;
  QUIRE_ASSERT(free_before && free_after && beside_ram);
  regions_.insert(after, Region{base, size_bytes, device});
}

bool Bus::is_mapped(PhysAddr address, u64 count_bytes) const {
  return ram_.contains(address, count_bytes) || find(address, count_bytes) != nullptr;
}

const Bus::Region* Bus::find(PhysAddr address, u64 size) const {
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), address,
                                      [](PhysAddr a, const Region& r) { return a < r.base; });
  if (after == regions_.begin() || !is_aligned(address.value, size)) return nullptr;
  const Region& region = *std::prev(after);
  const u64 offset = address - region.base;
  return offset < region.size_bytes && size <= region.size_bytes - offset ? &region : nullptr;
}

bool Bus::load(PhysAddr address, unsigned size, u64& out) {
  if (ram_.contains(address, size)) {
    out = read_host(ram_.host(address), size);
    return true;
  }
  const Region* region = find(address, size);
  if (region == nullptr) return false;
  ++device_accesses_;
  u64 value = region->device->read(address - region->base, size);
  if (faults_ != nullptr) value = faults_->altered(address, value);
  out = bits(value, size * 8 - 1, 0);
  if (observer_ != nullptr) {
    observer_->on_device_access(*region->device, address - region->base, size, Access::kRead, out);
  }
  return true;
}

bool Bus::store(PhysAddr address, unsigned size, u64 value) {
  if (ram_.contains(address, size)) {
    // The last byte counts too: an access may cross from one page into another.
    const PhysAddr last = address + (size - 1);
    write_host(ram_.host(address), size, value);
    ram_.changed(address);
    ram_.changed(last);
    if (ram_.watched(address) || ram_.watched(last)) ram_.wrote(address, size, Writer::kHart);
    return true;
  }
  const Region* region = find(address, size);
  if (region == nullptr) return false;
  ++device_accesses_;
  if (faults_ != nullptr) value = faults_->altered(address, value);
  const u64 written = bits(value, size * 8 - 1, 0);
  region->device->write(address - region->base, size, written);
  if (observer_ != nullptr) {
    observer_->on_device_access(*region->device, address - region->base, size, Access::kWrite, written);
  }
  return true;
}

bool Bus::read(u64 address, std::span<u8> out) {
  if (out.empty()) return true;
  if (!ram_.contains(PhysAddr(address), out.size())) return false;
  if (observer_ != nullptr) observer_->on_dma(PhysAddr(address), out.size(), Access::kRead);
  ram_.read(PhysAddr(address), out);
  return true;
}

bool Bus::write(u64 address, std::span<const u8> data) {
  if (data.empty()) return true;
  if (!ram_.contains(PhysAddr(address), data.size())) return false;
  if (observer_ != nullptr) observer_->on_dma(PhysAddr(address), data.size(), Access::kWrite);
  ram_.write(PhysAddr(address), data);
  return true;
}

}  // namespace quire
