#include "guest/hal/clear_page.h"

#include "guest/hal/csr.h"
#include "guest/lib/memory_ops.h"

namespace kernel {

#if __STDC_HOSTED__

void clear_pages(void* start, usize bytes) { fill_memory(start, 0, bytes); }

#else

namespace {

usize g_block_bytes = 0;  // 0: no Zicboz

/// cbo.zero, as binutils without the extension spell it.
inline void zero_block(u8* at) { asm volatile(".insn i 0x0f, 2, x0, %0, 4" : : "r"(at) : "memory"); }

}  // namespace

void init_clear_pages(u64 block_bytes) {
  g_block_bytes = block_bytes;
  if (block_bytes != 0) {
    set_csr_bits<Csr::kSenvcfg>(kSenvcfgCbze);
  }
}

void clear_pages(void* start, usize bytes) {
  const usize block = g_block_bytes;
  if (block == 0) {
    fill_memory(start, 0, bytes);
    return;
  }
  u8* at = static_cast<u8*>(start);
  for (u8* const end = at + bytes; at != end;) {
    zero_block(at);
    zero_block(at += block);
    zero_block(at += block);
    zero_block(at += block);
    at += block;
  }
}

#endif

}  // namespace kernel
