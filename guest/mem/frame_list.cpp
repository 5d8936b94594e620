#include "guest/lib/panic.h"
#include "guest/mem/frame.h"

namespace kernel {

namespace {
Frame& frame_numbered(u32 number) { return frame_detail::g_frames[number]; }
}  // namespace

void FrameList::push_front(Frame* frame) {
  ASSERT((frame->flags & kFrameListed) == 0);
  const u32 number = frame_number(frame);
  frame->flags |= kFrameListed;
  frame->previous = kNoFrame;
  frame->next = first_;
  (first_ == kNoFrame ? last_ : frame_numbered(first_).previous) = number;
  first_ = number;
  size_++;
}

void FrameList::push_back(Frame* frame) {
  ASSERT((frame->flags & kFrameListed) == 0);
  const u32 number = frame_number(frame);
  frame->flags |= kFrameListed;
  frame->next = kNoFrame;
  frame->previous = last_;
  (last_ == kNoFrame ? first_ : frame_numbered(last_).next) = number;
  last_ = number;
  size_++;
}

void FrameList::remove(Frame* frame) {
  ASSERT((frame->flags & kFrameListed) != 0);
  frame->flags &= static_cast<u16>(~kFrameListed);
  (frame->previous == kNoFrame ? first_ : frame_numbered(frame->previous).next) = frame->next;
  (frame->next == kNoFrame ? last_ : frame_numbered(frame->next).previous) = frame->previous;
  size_--;
}

Frame* FrameList::pop_front() {
  Frame* const frame = front();
  if (frame != nullptr) {
    remove(frame);
  }
  return frame;
}

}  // namespace kernel
