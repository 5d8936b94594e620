#include "guest/hal/asid.h"

#include "guest/hal/fence.h"
#if !__STDC_HOSTED__
#include "guest/hal/csr.h"
#endif

namespace kernel {

namespace {

u16 g_last_asid = 0;  // 0: the hart has none
u32 g_next_asid = 1;  // wider than an ASID: it passes the last one, and that may be 0xffff
u64 g_generation = 1;
PhysAddr g_active_root;

void write_satp(u16 asid, PhysAddr root) {
#if !__STDC_HOSTED__
  write_csr<Csr::kSatp>(Satp::make(SatpMode::kSv39, asid, root).raw);
#else
  (void)asid;
#endif
  g_active_root = root;
}

void assign(Asid& asid) {
  if (g_next_asid > g_last_asid) {
    g_generation++;
    g_next_asid = 1;
    fence_all();
  }
  asid.generation = g_generation;
  asid.number = static_cast<u16>(g_next_asid++);
}

}  // namespace

void use_asids_up_to(u16 last) {
  g_last_asid = last;
  g_next_asid = 1;
  g_generation++;
  fence_all();
}

void init_asids() {
#if !__STDC_HOSTED__
  // Unimplemented ASID bits read back as zero (12.1.11).
  const u64 satp = read_csr<Csr::kSatp>();
  write_csr<Csr::kSatp>(satp | (u64{0xffff} << 44));
  const u16 last = static_cast<u16>(Satp{read_csr<Csr::kSatp>()}.asid());
  write_csr<Csr::kSatp>(satp);
  use_asids_up_to(last);
#else
  use_asids_up_to(3);  // few, so that tests see a new generation
#endif
}

bool asid_is_live(const Asid& asid, PhysAddr root) {
  return g_last_asid == 0 ? g_active_root == root : asid.generation == g_generation;
}

void activate_root(Asid& asid, PhysAddr root) {
  if (g_active_root == root && (g_last_asid == 0 || asid.generation == g_generation)) {
    return;
  }
  if (g_last_asid == 0) {
    write_satp(0, root);
    fence_all();
    return;
  }
  if (asid.generation != g_generation) {
    assign(asid);
  }
  write_satp(asid.number, root);
}

void activate_kernel_root(PhysAddr root) {
  write_satp(0, root);
  if (g_last_asid == 0) {
    fence_all();
  }
}

PhysAddr active_root() { return g_active_root; }

}  // namespace kernel
