// Streams over file descriptors and memory; see quire/streams.h.
#include "quire/streams.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "quire/error.h"
#include "quire/state_archive.h"

namespace quire {

bool FdSource::ready(int timeout_ms) const {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  // Interrupted is not ready: a read would wait for input, whatever the signal asked for.
  return ::poll(&waiting, 1, timeout_ms) > 0;
}

ReadResult FdSource::read(std::span<std::uint8_t> out) {
  if (ended_) {
    return {ReadStatus::kEnd, 0};
  }
  if (out.empty() || !ready(0)) {
    return {ReadStatus::kNotYet, 0};
  }
  const ssize_t count = ::read(fd_, out.data(), out.size());
  if (count > 0) {
    return {ReadStatus::kData, static_cast<std::size_t>(count)};
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return {ReadStatus::kNotYet, 0};
  }
  // A descriptor that cannot be read (closed, a directory) has nothing to give, like an empty one.
  ended_ = true;
  return {ReadStatus::kEnd, 0};
}

bool FdSource::wait(int timeout_ms) {
  if (!ended_) {
    ready(timeout_ms);
  }
  return !ended_;
}

void FdSource::transfer(StateArchive& archive) {
  std::int64_t offset = ::lseek(fd_, 0, SEEK_CUR);  // fails for what has no place to go back to
  archive(offset, ended_);
  if (archive.loading() && offset >= 0 && ::lseek(fd_, offset, SEEK_SET) < 0) {
    throw Error(ErrorKind::kFile,
                fmt::format("the guest's input cannot go back to byte {}: {}", offset, std::strerror(errno)));
  }
}

void FdSink::wait_until_writable() const {
  constexpr int kAskMs = 100;
  pollfd waiting{.fd = fd_, .events = POLLOUT, .revents = 0};
  while (::poll(&waiting, 1, kAskMs) <= 0) {
    if (give_up_ && give_up_()) {
      throw ReaderStalled(ErrorKind::kFile, fmt::format("{}: nobody takes the guest's output", name_));
    }
  }
}

void FdSink::write(std::span<const std::uint8_t> data) {
  while (!data.empty()) {
    // A pipe that is writable takes PIPE_BUF bytes without blocking (pipe(7)); more could wait for ever.
    wait_until_writable();
    const ssize_t count = ::write(fd_, data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
    if (count >= 0) {
      data = data.subspan(static_cast<std::size_t>(count));
    } else if (errno == EPIPE) {
      throw ReaderGone(ErrorKind::kFile, fmt::format("{}: its reader has gone", name_));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw Error(ErrorKind::kFile,
                  fmt::format("{}: {}; the guest's output would be lost", name_, std::strerror(errno)));
    }
  }
}

void BufferSource::push(std::span<const std::uint8_t> data) {
  const std::lock_guard lock(mutex_);
  if (closed_) {
    throw Error(ErrorKind::kState, "standard input is closed already; write before closing it");
  }
  data_.insert(data_.end(), data.begin(), data.end());
}

void BufferSource::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool BufferSource::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::size_t BufferSource::pending_bytes() const {
  const std::lock_guard lock(mutex_);
  return data_.size();
}

ReadResult BufferSource::read(std::span<std::uint8_t> out) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(out.size(), data_.size());
  if (count == 0) {
    return {closed_ && data_.empty() ? ReadStatus::kEnd : ReadStatus::kNotYet, 0};
  }
  std::copy_n(data_.begin(), count, out.begin());
  data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(count));
  return {ReadStatus::kData, count};
}

bool BufferSource::wait(int /*timeout_ms*/) {
  const std::lock_guard lock(mutex_);
  return !data_.empty();
}

void BufferSource::transfer(StateArchive& archive) {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint8_t> waiting(data_.begin(), data_.end());
  archive(waiting, closed_);
  if (archive.loading()) {
    data_.assign(waiting.begin(), waiting.end());
  }
}

void BufferSink::write(std::span<const std::uint8_t> data) {
  std::vector<std::function<void()>> found;
  {
    const std::lock_guard lock(mutex_);
    data_.append(reinterpret_cast<const char*>(data.data()), data.size());
    std::erase_if(watches_, [&](Watch& watch) {
      const bool written = found_since(watch, data.size());
      if (written) {
        found.push_back(std::move(watch.found));
      }
      return written;
    });
    // Trimmed by halves, so that a long log costs each byte one move at most.
    if (limit_bytes_ != SIZE_MAX && data_.size() / 2 > limit_bytes_) {
      const std::size_t too_many = surplus();
      data_.erase(0, too_many);
      trimmed_bytes_ += too_many;
      taken_bytes_ -= std::min(taken_bytes_, too_many);
    }
  }
  for (const auto& tell : found) {
    tell();
  }
}

/// Whether the last `fresh_bytes` complete the text.
bool BufferSink::found_since(const Watch& watch, std::size_t fresh_bytes) const {
  const std::size_t looked_at = data_.size() - fresh_bytes;
  const std::size_t tail = std::min(looked_at, watch.text.size() - 1);
  const std::uint64_t from = watch.from > trimmed_bytes_ ? watch.from - trimmed_bytes_ : 0;
  return data_.find(watch.text, std::max<std::uint64_t>(looked_at - tail, from)) != std::string::npos;
}

std::string BufferSink::contents() const {
  const std::lock_guard lock(mutex_);
  return data_.substr(surplus());
}

std::string BufferSink::take() {
  const std::lock_guard lock(mutex_);
  std::string fresh = data_.substr(std::max(taken_bytes_, surplus()));
  taken_bytes_ = data_.size();
  return fresh;
}

std::uint64_t BufferSink::written_bytes() const {
  const std::lock_guard lock(mutex_);
  return trimmed_bytes_ + data_.size();
}

std::uint64_t BufferSink::dropped_bytes() const {
  const std::lock_guard lock(mutex_);
  return trimmed_bytes_ + surplus();
}

std::string BufferSink::since(std::uint64_t offset) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t from = offset > trimmed_bytes_ ? offset - trimmed_bytes_ : 0;
  return from < data_.size() ? data_.substr(std::max<std::uint64_t>(from, surplus())) : std::string();
}

bool BufferSink::holds(std::string_view text, std::uint64_t offset) const {
  return since(offset).find(text) != std::string::npos;
}

void BufferSink::watch(std::string text, std::uint64_t offset, std::function<void()> found) {
  if (text.empty()) {
    throw Error(ErrorKind::kUsage, "an empty text cannot be waited for");
  }
  const std::lock_guard lock(mutex_);
  watches_.push_back({std::move(text), offset, std::move(found)});
}

void BufferSink::stop_watching() {
  const std::lock_guard lock(mutex_);
  watches_.clear();
}

void BufferSink::transfer(StateArchive& archive) {
  const std::lock_guard lock(mutex_);
  std::uint64_t taken = taken_bytes_;
  archive(data_, taken, trimmed_bytes_);
  taken_bytes_ = std::min<std::size_t>(taken, data_.size());
}

}  // namespace quire
