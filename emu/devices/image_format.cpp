#include "emu/devices/image_format.h"

#include <algorithm>

namespace quire {
namespace {

using namespace std::literals;

struct Magic {
  std::string_view bytes;
  u64 offset;
  std::string_view format;
};

// Each from its format's published description.
constexpr Magic kHeadMagics[] = {
    {"QFI\xfb\0\0\0\1"sv, 0, "qcow"},
    {"QFI\xfb"sv, 0, "qcow2"},
    {"QED\0"sv, 0, "qed"},
    {"KDMV"sv, 0, "vmdk"},
    {"COWD"sv, 0, "vmdk"},
    {"# Disk DescriptorFile"sv, 0, "vmdk"},
    {"vhdxfile"sv, 0, "vhdx"},
    {"conectix"sv, 0, "vpc"},
    {"\x7f\x10\xda\xbe"sv, 64, "vdi"},
    {"WithoutFreeSpace"sv, 0, "parallels"},
    {"WithouFreSpacExt"sv, 0, "parallels"},
};

// Some have their description behind the data.
constexpr Magic kTailMagics[] = {
    {"conectix"sv, 0, "vpc"},  // VHD of a fixed size
    {"koly"sv, 0, "dmg"},
};

std::string_view find(std::span<const u8> bytes, std::span<const Magic> magics) {
  for (const Magic& magic : magics) {
    if (bytes.size() >= magic.offset + magic.bytes.size() &&
        std::equal(magic.bytes.begin(), magic.bytes.end(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(magic.offset),
                   [](char want, u8 have) { return static_cast<u8>(want) == have; })) {
      return magic.format;
    }
  }
  return {};
}

}  // namespace

std::string_view recognise_image_format(std::span<const u8> head, std::span<const u8> tail) {
  const std::string_view format = find(head, kHeadMagics);
  return format.empty() && tail.size() == kFormatTailBytes ? find(tail, kTailMagics) : format;
}

}  // namespace quire
