#include "guest/hal/clear_page.h"

#include <algorithm>

#include "guest/hal/fdt.h"
#include "guest/hal/layout.h"
#include "guest/lib/memory_ops.h"

namespace kernel {

#if __STDC_HOSTED__

void clear_pages(void* start, usize bytes) { fill_memory(start, 0, bytes); }

#else

namespace {

usize g_block_bytes = 0;  // 0: no Zicboz

/// cbo.zero, as binutils without the extension spell it.
inline void zero_block(u8* at) { asm volatile(".insn i 0x0f, 2, x0, %0, 4" : : "r"(at) : "memory"); }

bool is_named(StringView isa, StringView extension) {
  for (usize at = isa.find(extension); at != StringView::npos; at = isa.find(extension, at + 1)) {
    const usize end = at + extension.size();
    if (at > 0 && isa[at - 1] == '_' && (end == isa.size() || isa[end] == '_')) {
      return true;
    }
  }
  return false;
}

}  // namespace

void init_clear_pages(const Fdt& device_tree) {
  const auto hart = device_tree.find_compatible("riscv");
  if (!hart) {
    return;
  }
  const u64 block_bytes = hart->number("riscv,cboz-block-size").value_or(0);
  // Whole turns of four blocks must make a page.
  if (is_named(hart->text("riscv,isa").value_or(StringView()), "zicboz") && block_bytes >= 16 &&
      block_bytes <= kPageBytes / 4 && (block_bytes & (block_bytes - 1)) == 0) {
    g_block_bytes = block_bytes;
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
