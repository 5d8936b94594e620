#include "guest/proc/vdso_image.h"

#include <cstring>

#include "guest/drivers/rtc.h"
#include "guest/hal/time.h"
#include "guest/proc/vdso_data.h"
#include "quire/arch/elf.h"

namespace kernel {

namespace {

extern "C" const u8 vdso_image_start[];
extern "C" const u8 vdso_image_end[];

constexpr usize kMaxPages = 4;
// Linux has two pages there as well; the lower one would be for time namespaces.
constexpr usize kDataPages = 2;
Frame* g_data_frames[kDataPages];
Frame* g_image_frames[kMaxPages];
SpecialMapping g_data_mapping{"[vvar]", g_data_frames, kDataPages, SpecialMapping::Resident::kNo};
SpecialMapping g_image_mapping{"[vdso]", g_image_frames, 0};
u64 g_sigreturn_offset = 0;

}  // namespace

KResult<void> init_vdso() {
  const usize bytes = static_cast<usize>(vdso_image_end - vdso_image_start);
  ASSERT(bytes <= kMaxPages * kPageBytes);
  for (usize done = 0; done < bytes; done += kPageBytes) {
    Frame* const frame = TRY(alloc_frame(ZeroIt::kYes));
    memcpy(frame_data(frame), vdso_image_start + done, std::min<usize>(kPageBytes, bytes - done));
    g_image_frames[g_image_mapping.count++] = frame;
  }
  // The link puts it there: nothing else starts in a vDSO.
  g_sigreturn_offset = frame_data<Elf64Header>(g_image_frames[0])->entry;

  Frame* const data = TRY(alloc_frame(ZeroIt::kYes));
  g_data_frames[kDataPages - 1] = data;
  *frame_data<VdsoData>(data) = {.sequence = 0,
                                 .reserved = 0,
                                 .timebase_hz = timebase_hz(),
                                 .boot_ticks = 0,
                                 .realtime_offset_ns = realtime_offset_ns()};
  return {};
}

KResult<VirtAddr> map_vdso(AddressSpace& space) {
  // The image finds its data right below itself.
  const VirtAddr image =
      TRY(space.map_special(VirtAddr(0), g_image_mapping, kProtRead | kProtExec, kDataPages * kPageBytes));
  TRY(space.map_special(image - kDataPages * kPageBytes, g_data_mapping, kProtRead));
  return image;
}

u64 vdso_sigreturn_offset() { return g_sigreturn_offset; }

}  // namespace kernel
