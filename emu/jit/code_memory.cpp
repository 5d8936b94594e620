#include "emu/jit/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "emu/base/assert.h"
#include "emu/base/touch.h"
#include "quire/error.h"

namespace quire::jit {
namespace {

/// Where the processor likes jumps to lead.
constexpr usize kAlignment = 16;
constexpr usize kTouchedAhead = 256 << 10;

}  // namespace

CodeMemory::CodeMemory(usize size_bytes) : size_(size_bytes) { map(); }

void CodeMemory::map() {
  const auto check = [](bool done, const char* what) {
    if (done) return;
    const std::string cause = std::generic_category().message(errno);
    throw Error(ErrorKind::kInternal,
                std::string("the host gives the translator no memory to run code from (") + what + ": " +
                    cause + "); use the engine 'interp'");
  };
  void* const writable =
      mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(writable != MAP_FAILED, "mmap");
  writable_ = static_cast<u8*>(writable);
  void* const room = mmap(nullptr, size_ + data_bytes(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) unmap();
  check(room != MAP_FAILED, "mmap");
  runnable_ = static_cast<u8*>(room);
  // mremap(2): an old size of 0 maps what is shared once more.
  const bool mapped = mremap(writable, 0, size_, MREMAP_MAYMOVE | MREMAP_FIXED, room) != MAP_FAILED;
  const bool done = mapped && mprotect(room, size_, PROT_READ | PROT_EXEC) == 0;
  if (!done) {
    const int cause = errno;
    unmap();
    errno = cause;
  }
  check(done, mapped ? "mprotect" : "mremap");
  process_ = getpid();
}

bool CodeMemory::is_of_this_process() const { return getpid() == process_; }

CodeMemory::~CodeMemory() { unmap(); }

void CodeMemory::unmap() {
  if (writable_ != nullptr) munmap(std::exchange(writable_, nullptr), size_);
  if (runnable_ != nullptr) munmap(std::exchange(runnable_, nullptr), size_ + data_bytes());
}

void CodeMemory::renew() {
  unmap();
  used_ = kept_ = data_used_ = touched_ = 0;
  map();
}

void* CodeMemory::take_data(usize bytes) {
  QUIRE_ASSERT(bytes % 32 == 0);
  if (bytes > data_bytes() - data_used_) return nullptr;
  u8* const taken = runnable_ + size_ + data_used_;
  data_used_ += bytes;
  std::memset(taken, 0, bytes);
  return taken;
}

void CodeMemory::reset() {
  used_ = kept_;
  data_used_ = 0;
}

void CodeMemory::commit(usize bytes) {
  QUIRE_ASSERT(bytes <= free_bytes());
  used_ = std::min(size_, (used_ + bytes + kAlignment - 1) & ~(kAlignment - 1));
  if (used_ > touched_) touch_ahead();
}

/// The memory is filled from one end: what comes next is had from the host in pieces.
void CodeMemory::touch_ahead() {
  const usize bytes = std::min(size_ - touched_, used_ - touched_ + kTouchedAhead);
  touch_pages(writable_ + touched_, bytes);
  touch_pages_to_read(runnable_ + touched_, bytes);
  touched_ += bytes;
}

void CodeMemory::patch_jump(usize offset, const void* code) {
  const i64 distance = static_cast<const u8*>(code) - (runnable_ + offset + sizeof(i32));
  const i32 displacement = static_cast<i32>(distance);
  QUIRE_ASSERT(displacement == distance);
  std::memcpy(writable_ + offset, &displacement, sizeof(displacement));
}

}  // namespace quire::jit
