#include "emu/devices/unflushed_writes.h"

#include <algorithm>

namespace quire {
namespace {

/// xorshift64* (Vigna, 2016): fates of writes, alike on every host.
class Fates {
 public:
  explicit Fates(u64 seed) : state_((seed + 1) * 0x9e37'79b9'7f4a'7c15 | 1) { below(2); }
  u64 below(u64 limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545'f491'4f6c'dd1d >> 33) % limit;
  }

 private:
  u64 state_;
};

}  // namespace

void UnflushedWrites::add(u64 offset, std::vector<u8> before, std::span<const u8> after) {
  bytes_ += after.size();
  writes_.push_back({offset, std::move(before), {after.begin(), after.end()}});
  while (bytes_ > kCacheBytes) {
    bytes_ -= writes_.front().after.size();
    writes_.pop_front();
  }
}

void UnflushedWrites::flushed() {
  writes_.clear();
  bytes_ = 0;
}

bool UnflushedWrites::cut_power(u64 seed, const WriteMedium& write) {
  bool good = true;
  for (auto lost = writes_.rbegin(); lost != writes_.rend(); ++lost) {
    good = write(lost->offset, lost->before) && good;
  }
  Fates fates(seed);
  enum Fate : u64 { kWhole, kLost, kTorn, kFates };
  for (const Write& one : writes_) {
    const u64 fate = fates.below(kFates);
    for (u64 at = 0; at < one.after.size(); at += kSectorBytes) {
      const u64 len = std::min<u64>(kSectorBytes, one.after.size() - at);
      if (fate == kWhole || (fate == kTorn && fates.below(2) == 0)) {
        good = write(one.offset + at, std::span(one.after).subspan(at, len)) && good;
      }
    }
  }
  flushed();
  return good;
}

void UnflushedWrites::transfer(StateArchive& archive) {
  const usize total = archive.count(writes_.size());
  writes_.resize(total);
  bytes_ = 0;
  for (Write& one : writes_) {
    archive(one.offset, one.before, one.after);
    bytes_ += one.after.size();
  }
}

}  // namespace quire
