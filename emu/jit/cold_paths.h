// ColdPaths: code that is to be written behind that of a block, put down while the block is.
//
// Invariant: what captures by value says how, and stays where it is until then; nothing of it needs to be
// destroyed. std::function would have most of it on the heap.
#pragma once

#include <cstddef>
#include <deque>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include "emu/base/types.h"

namespace quire::jit {

class ColdPaths {
 public:
  explicit ColdPaths(std::pmr::memory_resource* memory) : paths_(memory) {}

  template <class Write>
  void push_back(Write write) {
    static_assert(sizeof(Write) <= kCapturedBytes && alignof(Write) <= alignof(Path));
    static_assert(std::is_trivially_destructible_v<Write>);
    Path& path = paths_.emplace_back();
    ::new (static_cast<void*>(path.captured)) Write(std::move(write));
    path.write = [](void* captured) { (*static_cast<Write*>(captured))(); };
  }
  /// In order. One may add more while it writes.
  void write_all() {
    for (usize i = 0; i < paths_.size(); ++i) paths_[i].write(paths_[i].captured);
  }

 private:
  static constexpr usize kCapturedBytes = 136;
  struct Path {
    void (*write)(void*);
    alignas(8) std::byte captured[kCapturedBytes];
  };
  std::pmr::deque<Path> paths_;
};

}  // namespace quire::jit
