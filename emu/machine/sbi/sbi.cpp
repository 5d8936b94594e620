#include "emu/machine/sbi/sbi.h"

namespace quire::sbi {
namespace {

struct Extension {
  std::uint64_t id;
  Return (*handle)(SbiPlatform&, const Call&);
};

constexpr Extension kExtensions[] = {
    {0x00, legacy_extension},         // set_timer
    {0x01, legacy_extension},         // console_putchar
    {0x02, legacy_extension},         // console_getchar
    {0x08, legacy_extension},         // shutdown
    {0x10, base_extension},           //
    {0x5449'4d45, time_extension},    // "TIME"
    {0x0073'5049, ipi_extension},     // "sPI"
    {0x5246'4e43, rfence_extension},  // "RFNC"
    {0x0048'534d, hsm_extension},     // "HSM"
    {0x5352'5354, srst_extension},    // "SRST"
    {0x4442'434e, dbcn_extension},    // "DBCN"
};

const Extension* find(std::uint64_t id) {
  for (const Extension& extension : kExtensions) {
    if (extension.id == id) {
      return &extension;
    }
  }
  return nullptr;
}

}  // namespace

bool has_extension(std::uint64_t id) { return find(id) != nullptr; }

Return handle(SbiPlatform& platform, const Call& call) {
  const Extension* extension = find(call.extension);
  if (extension == nullptr) {
    return {Status::kNotSupported, 0};
  }
  return extension->handle(platform, call);
}

}  // namespace quire::sbi
