#include "guest/fs/cpio.h"

#include "guest/lib/parse.h"
#include "quire/arch/linux/fcntl.h"
#include "quire/arch/linux/stat.h"

namespace kernel {

namespace {

/// The header is ASCII: a magic of six characters and thirteen numbers of eight hexadecimal digits.
constexpr StringView kMagic = "070701";
constexpr StringView kMagicWithSum = "070702";
constexpr StringView kTrailer = "TRAILER!!!";
constexpr usize kFieldDigits = 8;
constexpr usize kAlignment = 4;

enum Field : unsigned {
  kInode,
  kMode,
  kUid,
  kGid,
  kLinks,
  kMtime,
  kFileBytes,
  kDevMajor,
  kDevMinor,
  kRdevMajor,
  kRdevMinor,
  kNameBytes,
  kSum,
  kFields
};

KResult<void> read_fields(ByteReader& reader, u32 (&fields)[kFields]) {
  for (u32& field : fields) {
    const auto value = parse_number(as_text(TRY(reader.take(kFieldDigits))), 16);
    if (!value) {
      return Err(Errno::kEINVAL);
    }
    field = static_cast<u32>(*value);
  }
  return {};
}

/// Archives are written with "name", "./name" or "/name".
StringView strip(StringView name) {
  while (true) {
    if (name.starts_with('/')) {
      name.remove_prefix(1);
    } else if (name.starts_with("./")) {
      name.remove_prefix(2);
    } else {
      return name == "." ? StringView() : name;
    }
  }
}

}  // namespace

KResult<std::optional<CpioEntry>> CpioReader::next() {
  while (true) {
    // Between archives, and at the end, there may be zeroes.
    while (!reader_.at_end()) {
      ByteReader ahead = reader_;
      if (TRY(ahead.read<u8>()) != 0) {
        break;
      }
      reader_ = ahead;
    }
    if (reader_.at_end()) {
      return std::optional<CpioEntry>();
    }
    const StringView magic = as_text(TRY(reader_.take(kMagic.size())));
    if (magic != kMagic && magic != kMagicWithSum) {
      return Err(Errno::kEINVAL);
    }
    u32 fields[kFields];
    TRY(read_fields(reader_, fields));
    if (fields[kNameBytes] == 0 || fields[kNameBytes] > kPathMax) {
      return Err(Errno::kEINVAL);
    }
    const StringView raw_name = as_text(TRY(reader_.take(fields[kNameBytes])));
    if (raw_name.find('\0') != raw_name.size() - 1) {
      return Err(Errno::kEINVAL);
    }
    const StringView name = raw_name.substr(0, raw_name.size() - 1);
    TRY(reader_.align(kAlignment));
    const ConstByteSpan data = TRY(reader_.take(fields[kFileBytes]));
    // The last file of an image may lack its padding.
    if (!reader_.align(kAlignment).ok()) {
      TRY(reader_.skip(reader_.remaining()));
    }
    if (name == kTrailer) {
      continue;
    }
    CpioEntry entry{};
    entry.name = strip(name);
    entry.inode = fields[kInode];
    entry.mode = fields[kMode];
    entry.uid = fields[kUid];
    entry.gid = fields[kGid];
    entry.links = fields[kLinks];
    entry.mtime = fields[kMtime];
    entry.rdev = make_device(fields[kRdevMajor], fields[kRdevMinor]);
    entry.data = data;
    return std::optional<CpioEntry>(entry);
  }
}

}  // namespace kernel
