#include "guest/fs/sysfs.h"

#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"

namespace kernel {

namespace {

struct Text {
  StringView name;
  StringView contents;
};
constexpr StringView kFolder[] = {"devices", "system", "cpu"};
constexpr Text kProcessors[] = {
    {"online", "0\n"}, {"possible", "0\n"}, {"present", "0\n"}, {"offline", "\n"}};

KResult<void> add_text(Inode& directory, const Text& text) {
  RefPtr<Inode> file = TRY(directory.create(text.name, NewInode{kModeRegular | 0444, 0, 0}));
  const FrameRef frame = TRY(file->page_cache()->get(0));
  memcpy(frame.data(), text.contents.data(), text.contents.size());
  frame->flags |= kFrameDirty;
  file->set_size(text.contents.size());
  return {};
}

}  // namespace

KResult<RefPtr<FileSystem>> make_sysfs() {
  RefPtr<FileSystem> fs = TRY(make_tmpfs({.type = "sysfs", .root_mode = 0555}));
  RefPtr<Inode> at = fs->root();
  for (const StringView name : kFolder) {
    at = TRY(at->create(name, NewInode{kModeDirectory | 0555, 0, 0}));
  }
  for (const Text& text : kProcessors) {
    TRY(add_text(*at, text));
  }
  return fs;
}

}  // namespace kernel
