// The two directions of StateArchive, over memory.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class SaveArchive final : public StateArchive {
 public:
  SaveArchive() : StateArchive(Direction::kSave) {}
  std::vector<u8> take() { return std::move(bytes_); }

 private:
  void raw(void* data, usize count_bytes) override {
    const u8* const from = static_cast<const u8*>(data);
    bytes_.insert(bytes_.end(), from, from + count_bytes);
  }
  usize remaining_bytes() const override { return 0; }

  std::vector<u8> bytes_;
};

class LoadArchive final : public StateArchive {
 public:
  /// `name` is for messages.
  LoadArchive(std::span<const u8> bytes, std::string name)
      : StateArchive(Direction::kLoad), rest_(bytes), name_(std::move(name)) {}
  /// Error(kFile) when something is left.
  void finish() const {
    if (!rest_.empty()) {
      fail("longer");
    }
  }

 private:
  void raw(void* data, usize count_bytes) override {
    if (count_bytes > rest_.size()) {
      fail("shorter");
    }
    if (count_bytes != 0) {
      std::memcpy(data, rest_.data(), count_bytes);
    }
    rest_ = rest_.subspan(count_bytes);
  }
  usize remaining_bytes() const override { return rest_.size(); }
  [[noreturn]] void fail(const char* how) const {
    throw Error(
        ErrorKind::kFile,
        fmt::format("the snapshot's state of '{}' is {} than this build's: it is damaged, or was saved "
                    "by another build; take it anew",
                    name_, how));
  }

  std::span<const u8> rest_;
  std::string name_;
};

}  // namespace quire
