// FrameRef: holds one reference to a frame (a pin) for as long as it lives.
#pragma once

#include <utility>

#include "guest/mem/frame.h"

namespace kernel {

class FrameRef {
 public:
  FrameRef() = default;
  /// Takes over a reference the caller owns.
  static FrameRef adopt(Frame* frame) {
    FrameRef ref;
    ref.frame_ = frame;
    return ref;
  }
  /// Takes a further reference.
  static FrameRef share(Frame* frame) {
    if (frame != nullptr) {
      get_frame(frame);
    }
    return adopt(frame);
  }
  FrameRef(FrameRef&& other) noexcept : frame_(other.release()) {}
  FrameRef& operator=(FrameRef&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  FrameRef(const FrameRef&) = delete;
  FrameRef& operator=(const FrameRef&) = delete;
  ~FrameRef() {
    if (frame_ != nullptr) {
      put_frame(frame_);
    }
  }

  Frame* get() const { return frame_; }
  Frame* operator->() const { return frame_; }
  explicit operator bool() const { return frame_ != nullptr; }
  u8* data() const { return frame_data(frame_); }
  /// Hands the reference to the caller.
  Frame* release() { return std::exchange(frame_, nullptr); }

 private:
  Frame* frame_ = nullptr;
};

}  // namespace kernel
