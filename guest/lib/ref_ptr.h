// RefPtr<T>: shared owner of a RefCounted object, made by try_make_ref<T>(), which can fail with ENOMEM.
//
// Invariant: an object is born with one reference, and the last one to go deletes it. The count is a
// plain integer: kernel code is never preempted, and interrupts arrive only in user mode and idle.
#pragma once

#include <utility>

#include "guest/lib/heap.h"
#include "guest/lib/panic.h"

namespace kernel {

/// Base of `T`; a class with heirs needs a virtual destructor.
template <class T>
class RefCounted : NonCopyable {
 public:
  void ref() const {
    ASSERT(references_ > 0);
    references_++;
  }
  void unref() const {
    ASSERT(references_ > 0);
    if (--references_ == 0) {
      delete static_cast<const T*>(this);
    }
  }
  u32 references() const { return references_; }

 protected:
  ~RefCounted() = default;

 private:
  mutable u32 references_ = 1;
};

template <class T>
class RefPtr {
 public:
  RefPtr() = default;
  RefPtr(std::nullptr_t) {}
  /// Takes a further reference.
  explicit RefPtr(T* object) : object_(object) { ref(); }
  explicit RefPtr(T& object) : RefPtr(&object) {}
  /// Takes over a reference the caller owns.
  static RefPtr adopt(T* object) {
    RefPtr pointer;
    pointer.object_ = object;
    return pointer;
  }
  RefPtr(const RefPtr& other) : object_(other.object_) { ref(); }
  RefPtr(RefPtr&& other) noexcept : object_(other.release()) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> RefPtr(const RefPtr<U>& other) : object_(other.get()) { ref(); }
  template <class U>
  requires std::is_convertible_v<U*, T*> RefPtr(RefPtr<U>&& other)
  noexcept : object_(other.release()) {}
  RefPtr& operator=(RefPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~RefPtr() {
    if (object_ != nullptr) {
      object_->unref();
    }
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  /// Hands the reference to the caller.
  T* release() { return std::exchange(object_, nullptr); }
  void reset() { *this = RefPtr(); }
  template <class U>
  bool operator==(const RefPtr<U>& other) const {
    return object_ == other.get();
  }
  bool operator==(const T* other) const { return object_ == other; }
  bool operator==(std::nullptr_t) const { return object_ == nullptr; }

 private:
  void ref() const {
    if (object_ != nullptr) {
      object_->ref();
    }
  }
  T* object_ = nullptr;
};

/// The caller knows that the object is of the heir's type.
template <class T, class U>
RefPtr<T> static_ref_cast(RefPtr<U> pointer) {
  return RefPtr<T>::adopt(static_cast<T*>(pointer.release()));
}

template <class T, class... Args>
KResult<RefPtr<T>> try_make_ref(Args&&... args) {
  T* const object = new (std::nothrow) T(std::forward<Args>(args)...);
  if (object == nullptr) {
    return Err(Errno::kENOMEM);
  }
  return RefPtr<T>::adopt(object);
}

}  // namespace kernel
