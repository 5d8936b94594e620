#include "guest/init/shares.h"
#include "guest/lib/byte_reader.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {

KResult<ShareMount> parse_line(StringView line) {
  const usize equals = line.find('=');
  if (equals == StringView::npos) {
    return Err(Errno::kEINVAL);
  }
  const StringView key = line.substr(0, equals);
  const StringView value = line.substr(equals + 1);
  const bool root = key == "root" || key == "root-rw";
  const bool writable = key == "root-rw" || key == "share-rw";
  if (!root && key != "share" && key != "share-rw") {
    return Err(Errno::kEINVAL);
  }
  const usize space = root ? value.size() : value.find(' ');
  if (space == StringView::npos || space == 0) {
    return Err(Errno::kEINVAL);
  }
  const StringView path = root ? StringView() : value.substr(space + 1);
  if (!root && (path.empty() || path.front() != '/')) {
    return Err(Errno::kEINVAL);
  }
  return ShareMount{root ? ShareMount::Kind::kRoot : ShareMount::Kind::kShare, writable,
                    value.substr(0, space), path};
}

}  // namespace

KResult<Vector<ShareMount>> parse_mount_file(ConstByteSpan bytes) {
  ByteReader reader(bytes);
  if (TRY(reader.read_c_string()) != StringView(kMountFileMagic)) {
    return Err(Errno::kEINVAL);
  }
  Vector<ShareMount> mounts;
  while (!reader.at_end()) {
    const StringView line = TRY(reader.read_c_string());
    const ShareMount mount = TRY(parse_line(line));
    TRY(mounts.push(mount));
  }
  return mounts;
}

}  // namespace kernel
