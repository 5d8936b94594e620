// Snapshots as files: a header in the clear, then one zstd frame with a checksum.
//
// Layout: "QUIRESNP", u32 version, u32 0; compressed: settings, counts, registers, sections, then each page
// of RAM that is not zero after its index, in order, and ~0. Numbers are little-endian. The version counts up
// with every change of this layout or of any part's state.
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "emu/machine/snapshot_impl.h"
#include "quire/arch/sv39.h"
#include "quire/state_archive.h"

namespace quire {
namespace {

using arch::kPageBytes;

constexpr std::array<char, 8> kMagic = {'Q', 'U', 'I', 'R', 'E', 'S', 'N', 'P'};
constexpr u32 kVersion = 3;
constexpr u64 kEndOfPages = ~u64{0};
constexpr int kCompressionLevel = 3;
constexpr usize kMaxCountedBytes = usize{1} << 30;  // of one section, as the output that it keeps
constexpr usize kMaxElements = 10'000;
constexpr u64 kMaxRamPages = (u64{64} << 30) / kPageBytes;  // quire/config.h

[[noreturn]] void fail(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

/// Compresses into a file that takes its name only when it is complete.
class FileWriter final : public StateArchive {
 public:
  explicit FileWriter(std::string path)
      : StateArchive(Direction::kSave),
        path_(std::move(path)),
        part_(fmt::format("{}.{}.part", path_, ::getpid())),
        file_(open_anew(part_)),
        stream_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    if (!file_) {
      fail(path_, fmt::format("the snapshot cannot be written: {}", std::strerror(errno)));
    }
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_compressionLevel, kCompressionLevel);
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
    put(kMagic.data(), kMagic.size());
    const u32 words[] = {kVersion, 0};
    put(words, sizeof words);
  }
  ~FileWriter() override {
    if (file_) {
      std::remove(part_.c_str());
    }
  }
  /// A file of that name is what a process left that is no more.
  static std::FILE* open_anew(const std::string& part) {
    std::remove(part.c_str());
    return std::fopen(part.c_str(), "wbxe");
  }
  void page(const u8* bytes) { compress(bytes, kPageBytes, ZSTD_e_continue); }
  void finish() {
    compress(nullptr, 0, ZSTD_e_end);
    if (std::fflush(file_.get()) != 0 || std::rename(part_.c_str(), path_.c_str()) != 0) {
      fail(path_, fmt::format("the snapshot cannot be written: {}", std::strerror(errno)));
    }
    file_.reset();
  }

 private:
  void raw(void* data, usize count_bytes) override { compress(data, count_bytes, ZSTD_e_continue); }
  usize remaining_bytes() const override { return 0; }
  void put(const void* data, usize count_bytes) {
    if (std::fwrite(data, 1, count_bytes, file_.get()) != count_bytes) {
      fail(path_, fmt::format("the snapshot cannot be written: {}", std::strerror(errno)));
    }
  }
  void compress(const void* data, usize count_bytes, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{data, count_bytes, 0};
    usize left = 1;
    while (in.pos < in.size || (end == ZSTD_e_end && left != 0)) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      left = ZSTD_compressStream2(stream_.get(), &out, &in, end);
      if (ZSTD_isError(left) != 0) {
        fail(path_, fmt::format("the snapshot cannot be compressed: {}", ZSTD_getErrorName(left)));
      }
      put(buffer_.data(), out.pos);
    }
  }

  std::string path_;
  std::string part_;
  File file_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> stream_;
  std::vector<u8> buffer_ = std::vector<u8>(ZSTD_CStreamOutSize());
};

class FileReader final : public StateArchive {
 public:
  /// Of `holds_bytes`, compressed.
  FileReader(std::string path, u64 holds_bytes)
      : StateArchive(Direction::kLoad),
        path_(std::move(path)),
        left_bytes_(holds_bytes),
        file_(std::fopen(path_.c_str(), "rbe")),
        stream_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (!file_) {
      fail(path_, std::strerror(errno));
    }
    std::array<char, kMagic.size()> magic;
    u32 words[2];
    if (std::fread(magic.data(), 1, magic.size(), file_.get()) != magic.size() || magic != kMagic ||
        std::fread(words, 1, sizeof words, file_.get()) != sizeof words) {
      fail(path_, "not a snapshot; give a file that Snapshot.save() wrote");
    }
    if (words[0] != kVersion) {
      fail(path_, fmt::format("a snapshot in format {}, and this build reads format {}; take it anew",
                              words[0], kVersion));
    }
  }
  void page(u8* bytes) { raw(bytes, kPageBytes); }
  /// Reads all of it once for the checksum's sake: what is damaged is not even looked at. How much it holds.
  static u64 check(const std::string& path) {
    FileReader file(path, 0);
    std::vector<u8> sink(1 << 20);
    u64 total_bytes = 0;
    while (file.hint_ != 0) {
      const usize count_bytes = file.decompress(sink.data(), sink.size());
      if (count_bytes == 0) {
        file.damaged();
      }
      total_bytes += count_bytes;
    }
    return total_bytes;
  }
  /// Error(kFile) when the frame is not complete or something follows.
  void finish() {
    u8 surplus = 0;
    if (decompress(&surplus, 1) != 0 || hint_ != 0) {
      damaged();
    }
  }

 private:
  [[noreturn]] void damaged() const { fail(path_, "the snapshot is truncated or damaged; take it anew"); }
  void raw(void* data, usize count_bytes) override {
    if (decompress(data, count_bytes) != count_bytes) {
      damaged();
    }
    left_bytes_ -= std::min<u64>(left_bytes_, count_bytes);
  }
  usize remaining_bytes() const override { return std::min<u64>(left_bytes_, kMaxCountedBytes); }

  usize decompress(void* data, usize count_bytes) {
    ZSTD_outBuffer out{data, count_bytes, 0};
    while (out.pos < out.size) {
      if (in_.pos == in_.size) {
        in_ = {buffer_.data(), std::fread(buffer_.data(), 1, buffer_.size(), file_.get()), 0};
        if (in_.size == 0) {
          // What the decoder still holds.
          hint_ = hint_ == 0 ? 0 : ZSTD_decompressStream(stream_.get(), &out, &in_);
          break;
        }
      }
      hint_ = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(hint_) != 0) {
        damaged();
      }
      if (hint_ == 0 && in_.pos == in_.size) {
        break;
      }
    }
    return out.pos;
  }

  std::string path_;
  u64 left_bytes_;
  File file_;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> stream_;
  std::vector<u8> buffer_ = std::vector<u8>(ZSTD_DStreamInSize());
  ZSTD_inBuffer in_{nullptr, 0, 0};
  usize hint_ = 1;  ///< 0: the frame is complete, and its checksum was right
};

usize few(usize elements) {
  if (elements > kMaxElements) {
    throw Error(ErrorKind::kFile, "a snapshot is damaged: it has more parts than any machine");
  }
  return elements;
}

void transfer(StateArchive& archive, Snapshot::Impl& snapshot) {
  snapshot.settings.resize(few(archive.count(snapshot.settings.size())));
  for (auto& setting : snapshot.settings) {
    archive(setting.name, setting.value);
  }
  archive(snapshot.icount, snapshot.time_ns, snapshot.pc, snapshot.digest_words);
  snapshot.values.resize(few(archive.count(snapshot.values.size())));
  for (auto& value : snapshot.values) {
    archive(value.name, value.value);
  }
  snapshot.sections.resize(few(archive.count(snapshot.sections.size())));
  for (auto& section : snapshot.sections) {
    archive(section.name, section.state);
  }
}

}  // namespace

void Snapshot::save(const std::string& path) const {
  FileWriter file(path);
  Impl copy = *impl_;
  transfer(file, copy);
  u64 pages = impl_->ram.page_count();
  file(pages);
  impl_->ram.for_each_page([&file](u64 index, const u8* bytes) {
    file(index);
    file.page(bytes);
  });
  u64 end = kEndOfPages;
  file(end);
  file.finish();
}

Snapshot Snapshot::load(const std::string& path) {
  FileReader file(path, FileReader::check(path));
  auto loaded = std::make_shared<Impl>();
  loaded->unchecked = true;
  transfer(file, *loaded);
  u64 pages = 0;
  file(pages);
  if (pages > kMaxRamPages) {
    fail(path, "the snapshot is damaged; take it anew");
  }
  loaded->ram = RamImage(pages);
  std::vector<u8> bytes(kPageBytes);
  u64 index = 0;
  for (file(index); index != kEndOfPages; file(index)) {
    if (index >= pages) {
      fail(path, "the snapshot is damaged; take it anew");
    }
    file.page(bytes.data());
    loaded->ram.set_page(index, bytes.data());
  }
  file.finish();
  return Snapshot(std::move(loaded));
}

}  // namespace quire
