// Column: 64-bit numbers that are only ever added, many a second.
//
// Invariant: what has been added stays where it is, so that a view of it is good while more is added, and
// beyond clear() for whoever shares the storage. Address space for the most that it may hold is reserved at
// the first number; memory is taken as it fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace quire {

class Column {
 public:
  explicit Column(std::size_t limit) : limit_(limit) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::uint64_t* data() const { return data_; }
  std::uint64_t operator[](std::size_t at) const { return data_[at]; }

  /// Within the limit, as for extend(); beyond it, and when the host has no room, throws std::bad_alloc.
  void push_back(std::uint64_t value) { *extend(1) = value; }
  /// Room for `count` more, which the caller writes.
  std::uint64_t* extend(std::size_t count) {
    if (size_ + count > ready_) [[unlikely]] {
      make_ready(size_ + count);
    }
    std::uint64_t* const fresh = data_ + size_;
    size_ += count;
    return fresh;
  }
  /// Gives back the last of what extend() gave.
  void shrink_to(std::size_t size) { size_ = size; }
  void clear();

  /// Keeps what is there now alive, however long the column lives.
  std::shared_ptr<const void> storage() const { return storage_; }

 private:
  void make_ready(std::size_t size);

  std::size_t limit_;
  std::size_t size_ = 0;
  std::size_t ready_ = 0;  ///< numbers that there is address space for: none, or all
  std::uint64_t* data_ = nullptr;
  std::shared_ptr<void> storage_;
};

}  // namespace quire
