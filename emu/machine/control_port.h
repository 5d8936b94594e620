// The machine's end of the control port: two queues between the host and the virtio console.
//
// Bytes stay in order and are never dropped. What waits for the guest comes from calls made between
// runs (or from a sink), so while the guest idles nothing more can come.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "emu/base/types.h"
#include "quire/byte_stream.h"
#include "quire/state_archive.h"

namespace quire {

class ControlToGuest final : public ByteSource {
 public:
  void push(std::span<const u8> data) { pending_.insert(pending_.end(), data.begin(), data.end()); }

  ReadResult read(std::span<u8> out) override {
    const usize count = std::min(out.size(), pending_.size() - taken_);
    if (count == 0) {
      return {ReadStatus::kNotYet, 0};
    }
    std::memcpy(out.data(), pending_.data() + taken_, count);
    taken_ += count;
    if (taken_ == pending_.size()) {
      pending_.clear();
      taken_ = 0;
    }
    return {ReadStatus::kData, count};
  }
  bool wait(int) override { return taken_ < pending_.size(); }
  void transfer(StateArchive& archive) override {
    u64 taken = taken_;
    archive(pending_, taken);
    taken_ = std::min<usize>(taken, pending_.size());
  }

 private:
  std::vector<u8> pending_;
  usize taken_ = 0;
};

class ControlFromGuest final : public ByteSink {
 public:
  void write(std::span<const u8> data) override { pending_.insert(pending_.end(), data.begin(), data.end()); }
  std::vector<u8> take() { return std::exchange(pending_, {}); }
  void transfer(StateArchive& archive) override { archive(pending_); }

 private:
  std::vector<u8> pending_;
};

/// A stream that is at its end: the guest's stdin where the user gave none.
class EmptySource final : public ByteSource {
 public:
  ReadResult read(std::span<u8>) override { return {ReadStatus::kEnd, 0}; }
  bool wait(int) override { return false; }
};

}  // namespace quire
