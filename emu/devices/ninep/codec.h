// Fields of 9P messages: read from untrusted bytes, written into a reply of bounded size.
//
// Invariant: neither ever touches a byte outside of what it was given. A reader that ran out stays
// failed and gives zeroes; a writer that ran out of room stays failed and writes nothing more.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/ninep.h"

namespace quire::share {

using arch::ninep::Qid;

class MessageReader {
 public:
  explicit MessageReader(std::span<const u8> bytes) : rest_(bytes) {}

  template <class T>
  T get() {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    T value{};
    const std::span<const u8> piece = bytes(sizeof value);
    if (piece.size() == sizeof value) {
      std::memcpy(&value, piece.data(), sizeof value);
    }
    return value;
  }
  /// Lives as long as the message.
  std::string_view text() {
    const std::span<const u8> piece = bytes(get<u16>());
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }
  std::span<const u8> bytes(std::size_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::span<const u8> piece = rest_.first(count);
    rest_ = rest_.subspan(count);
    return piece;
  }
  std::size_t remaining() const { return rest_.size(); }
  /// Every field was there, and nothing follows them.
  bool complete() const { return !failed_ && rest_.empty(); }
  bool failed() const { return failed_; }

 private:
  std::span<const u8> rest_;
  bool failed_ = false;
};

class MessageWriter {
 public:
  /// Appends to `out`, which never grows beyond `limit_bytes`.
  MessageWriter(std::vector<u8>& out, std::size_t limit_bytes) : out_(out), limit_bytes_(limit_bytes) {}

  template <class T>
  void put(T value) {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    bytes({reinterpret_cast<const u8*>(&value), sizeof value});
  }
  void text(std::string_view value) {
    if (value.size() > 0xffff) {
      failed_ = true;
      return;
    }
    put(static_cast<u16>(value.size()));
    bytes({reinterpret_cast<const u8*>(value.data()), value.size()});
  }
  void qid(const Qid& qid) {
    put(qid.type);
    put(qid.version);
    put(qid.path);
  }
  void bytes(std::span<const u8> data) {
    const std::span<u8> place = reserve(data.size());
    if (!place.empty()) {
      std::memcpy(place.data(), data.data(), place.size());
    }
  }
  /// Room for `count` bytes that the caller fills (and may cut by resize_to); empty when there is none.
  std::span<u8> reserve(std::size_t count) {
    if (failed_ || count > room()) {
      failed_ = true;
      return {};
    }
    const std::size_t at = out_.size();
    out_.resize(at + count);
    return std::span(out_).subspan(at);
  }
  std::size_t size() const { return out_.size(); }
  void resize_to(std::size_t size) { out_.resize(size); }
  template <class T>
  void patch(std::size_t at, T value) {
    std::memcpy(&out_[at], &value, sizeof value);
  }
  std::size_t room() const { return limit_bytes_ > out_.size() ? limit_bytes_ - out_.size() : 0; }
  bool failed() const { return failed_; }

 private:
  std::vector<u8>& out_;
  const std::size_t limit_bytes_;
  bool failed_ = false;
};

}  // namespace quire::share
