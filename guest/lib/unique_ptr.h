// UniquePtr<T>: sole owner of a heap object, made by try_make<T>(), which can fail with ENOMEM.
#pragma once

#include <utility>

#include "guest/lib/heap.h"

namespace kernel {

template <class T>
class UniquePtr {
 public:
  UniquePtr() = default;
  UniquePtr(std::nullptr_t) {}
  explicit UniquePtr(T* object) : object_(object) {}
  UniquePtr(UniquePtr&& other) noexcept : object_(other.release()) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> UniquePtr(UniquePtr<U>&& other)
  noexcept : object_(other.release()) {}
  UniquePtr& operator=(UniquePtr&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniquePtr(const UniquePtr&) = delete;
  UniquePtr& operator=(const UniquePtr&) = delete;
  ~UniquePtr() { delete object_; }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset(T* object = nullptr) {
    T* const old = std::exchange(object_, object);
    delete old;
  }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
KResult<UniquePtr<T>> try_make(Args&&... args) {
  T* const object = new (std::nothrow) T(std::forward<Args>(args)...);
  if (object == nullptr) {
    return Err(Errno::kENOMEM);
  }
  return UniquePtr<T>(object);
}

}  // namespace kernel
