#include "guest/fs/framebuffer_file.h"

#include <algorithm>

#include "guest/drivers/framebuffer.h"
#include "guest/fs/devfs.h"
#include "guest/hal/user_access.h"
#include "quire/arch/linux/fb.h"

namespace kernel {

namespace {

constexpr u64 kNumber = make_device(kFbMajor, 0);

FbVariable variable_info(const Framebuffer& screen) {
  FbVariable info = {};
  info.width = info.virtual_width = screen.width;
  info.height = info.virtual_height = screen.height;
  info.bits_per_pixel = 32;
  info.red = {16, 8, 0};
  info.green = {8, 8, 0};
  info.blue = {0, 8, 0};
  info.height_mm = info.width_mm = kFbUnknownMillimetres;
  return info;
}

FbFixed fixed_info(const Framebuffer& screen) {
  FbFixed info = {};
  constexpr StringView kName = "simple";
  std::copy(kName.begin(), kName.end(), info.id);
  info.memory_start = screen.memory.start;
  info.memory_bytes = static_cast<u32>(screen.memory.size_bytes);
  info.visual = kFbTrueColor;
  info.line_bytes = screen.stride_bytes;
  return info;
}

/// The mode is the firmware's: what asks for another one is refused.
bool is_this_mode(const FbVariable& wanted, const Framebuffer& screen) {
  return wanted.width == screen.width && wanted.height == screen.height &&
         wanted.virtual_width <= screen.width && wanted.virtual_height <= screen.height &&
         wanted.bits_per_pixel == 32 && wanted.x_offset == 0 && wanted.y_offset == 0;
}

class FramebufferOperations final : public FileOperations {
 public:
  explicit FramebufferOperations(const Framebuffer& screen) : screen_(screen) {}

  KResult<usize> read(File&, u64 position, IoBuffer& buffer) override {
    const u64 size = screen_.memory.size_bytes;
    if (position < size) {
      buffer.put(screen_.pixels + position, std::min(size - position, buffer.remaining()));
    }
    return buffer.result();
  }
  /// As Linux: beyond the end EFBIG, at the end ENOSPC, and what does not fit is not written.
  KResult<usize> write(File&, u64 position, IoBuffer& buffer) override {
    const u64 size = screen_.memory.size_bytes;
    if (position > size) {
      return Err(Errno::kEFBIG);
    }
    if (position == size && buffer.remaining() > 0) {
      return Err(Errno::kENOSPC);
    }
    buffer.get(screen_.pixels + position, std::min(size - position, buffer.remaining()));
    return buffer.result();
  }

  KResult<i64> ioctl(File&, u32 request, VirtAddr argument) override {
    switch (request) {
      case kFbGetVariable:
        TRY(put_user(argument, variable_info(screen_)));
        return i64{0};
      case kFbGetFixed:
        TRY(put_user(argument, fixed_info(screen_)));
        return i64{0};
      case kFbPutVariable:
      case kFbPan: {
        const FbVariable wanted = TRY(get_user<FbVariable>(argument));
        return is_this_mode(wanted, screen_) ? KResult<i64>(0) : Err(Errno::kEINVAL);
      }
      default:
        return Err(Errno::kENOTTY);
    }
  }

  KResult<RefPtr<File>> map(File& file, bool, u64, u64) override { return RefPtr<File>(&file); }
  KResult<DeviceMap> map_device(File&, u64 offset, u64 bytes) override {
    const u64 size = screen_.mappable_bytes;
    if (offset > size || bytes > size - offset) {
      return Err(Errno::kEINVAL);
    }
    return DeviceMap{DeviceMap::How::kAtOnce, PhysAddr(screen_.memory.start + offset)};
  }

 private:
  const Framebuffer& screen_;
};

}  // namespace

KResult<void> add_framebuffer_file(FileSystem& devfs) {
  const Framebuffer* const screen = framebuffer();
  if (screen == nullptr) {
    return {};
  }
  static FramebufferOperations operations(*screen);
  TRY(register_char_device(kNumber, operations));
  return add_device_node(devfs, "fb0", 0660, kNumber);
}

}  // namespace kernel
