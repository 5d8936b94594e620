// Vector<T>: a growing array whose growth can fail with ENOMEM.
//
// Invariant: elements [0, size) are alive; growth moves them, so references do not survive a push.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "guest/lib/heap.h"
#include "guest/lib/panic.h"

namespace kernel {

template <class T>
class Vector {
  static_assert(alignof(T) <= 16);

 public:
  Vector() = default;
  Vector(Vector&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Vector& operator=(Vector&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;
  ~Vector() { reset(); }

  usize size() const { return size_; }
  usize capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](usize index) {
    ASSERT(index < size_);
    return data_[index];
  }
  const T& operator[](usize index) const {
    ASSERT(index < size_);
    return data_[index];
  }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }
  Span<T> span() { return {data_, size_}; }
  Span<const T> span() const { return {data_, size_}; }

  KResult<void> reserve(usize capacity) {
    if (capacity <= capacity_) {
      return {};
    }
    usize bytes = 0;
    if (__builtin_mul_overflow(capacity, sizeof(T), &bytes)) {
      return Err(Errno::kENOMEM);
    }
    T* const grown = static_cast<T*>(heap_alloc(bytes));
    if (grown == nullptr) {
      return Err(Errno::kENOMEM);
    }
    std::uninitialized_move_n(data_, size_, grown);
    std::destroy_n(data_, size_);
    heap_free(data_);
    data_ = grown;
    capacity_ = capacity;
    return {};
  }

  template <class... Args>
  KResult<void> emplace(Args&&... args) {
    if (size_ == capacity_) {
      // The arguments may refer into this vector: build the element before growth moves its source.
      T element(std::forward<Args>(args)...);
      TRY(reserve(grown_capacity()));
      new (&data_[size_]) T(std::move(element));
    } else {
      new (&data_[size_]) T(std::forward<Args>(args)...);
    }
    size_++;
    return {};
  }
  KResult<void> push(T value) {
    if (size_ == capacity_) {
      TRY(reserve(grown_capacity()));
    }
    new (&data_[size_++]) T(std::move(value));
    return {};
  }
  KResult<void> append(Span<const T> values) {
    if (values.size() > capacity_ - size_) {
      TRY(reserve(std::max(size_ + values.size(), grown_capacity())));
    }
    std::uninitialized_copy_n(values.data(), values.size(), data_ + size_);
    size_ += values.size();
    return {};
  }
  KResult<void> insert(usize index, T value) {
    ASSERT(index <= size_);
    TRY(push(std::move(value)));
    std::rotate(data_ + index, data_ + size_ - 1, data_ + size_);
    return {};
  }
  /// New elements are value-initialised.
  KResult<void> resize(usize size) {
    TRY(reserve(size));
    if (size < size_) {
      std::destroy_n(data_ + size, size_ - size);
    } else {
      std::uninitialized_value_construct_n(data_ + size_, size - size_);
    }
    size_ = size;
    return {};
  }

  void pop() {
    ASSERT(size_ > 0);
    data_[--size_].~T();
  }
  void erase(usize index) {
    ASSERT(index < size_);
    std::move(data_ + index + 1, data_ + size_, data_ + index);
    pop();
  }
  /// Destroys the elements and keeps the memory.
  void clear() {
    std::destroy_n(data_, size_);
    size_ = 0;
  }
  /// Destroys the elements and gives the memory back.
  void reset() {
    clear();
    heap_free(std::exchange(data_, nullptr));
    capacity_ = 0;
  }

 private:
  friend struct Description;
  usize grown_capacity() const { return capacity_ == 0 ? std::max<usize>(1, 64 / sizeof(T)) : capacity_ * 2; }

  T* data_ = nullptr;
  usize size_ = 0;
  usize capacity_ = 0;
};

}  // namespace kernel
