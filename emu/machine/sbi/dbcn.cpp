// Debug Console extension (SBI v2.0, chapter 12).
#include <algorithm>
#include <vector>

#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

enum Function : std::uint64_t { kWrite = 0, kRead = 1, kWriteByte = 2 };

// A call may do less than it was asked for; the caller asks again.
constexpr std::uint64_t kMaxBytes = 64 << 10;

}  // namespace

Return dbcn_extension(SbiPlatform& platform, const Call& call) {
  const std::uint64_t address = call.args[1];
  const bool above_64_bits = call.args[2] != 0;  // base_addr_hi is for rv32
  std::vector<std::uint8_t> buffer;
  switch (call.function) {
    case kWrite:
      buffer.resize(std::min(call.args[0], kMaxBytes));
      if (above_64_bits || !platform.read_memory(address, buffer)) {
        return {Status::kInvalidParam, 0};
      }
      platform.console_write(buffer);
      return {Status::kSuccess, buffer.size()};
    case kRead:
      // The range is checked before bytes are taken from the console, as they cannot be given back.
      buffer.resize(std::min(call.args[0], kMaxBytes));
      if (above_64_bits || !platform.read_memory(address, buffer)) {
        return {Status::kInvalidParam, 0};
      }
      buffer.resize(platform.console_read(buffer));
      platform.write_memory(address, buffer);
      return {Status::kSuccess, buffer.size()};
    case kWriteByte: {
      const auto byte = static_cast<std::uint8_t>(call.args[0]);
      platform.console_write({&byte, 1});
      return {};
    }
    default:
      return {Status::kNotSupported, 0};
  }
}

}  // namespace quire::sbi
