#include "guest/drivers/entropy.h"

#include "guest/drivers/virtio.h"
#include "guest/hal/boot_info.h"

namespace kernel {

namespace {
Prng g_prng{0};
}

void init_entropy() {
  u64 seed = boot_info().seed;
  if (!boot_option("quire.seed")) {
    u64 fresh = 0;
    if (read_virtio_rng({reinterpret_cast<u8*>(&fresh), sizeof(fresh)}).ok()) {
      seed ^= fresh;
    }
  }
  g_prng = Prng(seed);
}

void random_bytes(ByteSpan to) { g_prng.fill(to); }
u64 random_number() { return g_prng.next(); }

}  // namespace kernel
