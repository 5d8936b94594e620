#include "guest/hal/boot_info.h"

#include "guest/hal/layout.h"
#include "guest/hal/time.h"
#include "guest/lib/panic.h"
#include "guest/lib/parse.h"

namespace kernel {

namespace {

BootInfo g_info;

void add_reserved(PhysRange range) {
  if (range.size_bytes == 0) {
    return;
  }
  if (g_info.reserved_count == BootInfo::kMaxReserved) {
    panic("more than {} reserved ranges in the device tree", BootInfo::kMaxReserved);
  }
  g_info.reserved[g_info.reserved_count++] = range;
}

void read_memory(const Fdt& fdt) {
  for (auto node = fdt.root().first_child(); node; node = node->next_sibling()) {
    if (node->text("device_type") != StringView("memory")) {
      continue;
    }
    for (usize i = 0; auto range = node->reg(i); i++) {
      if (range->size_bytes != 0 && g_info.memory_count < BootInfo::kMaxMemory) {
        g_info.memory[g_info.memory_count++] = *range;
      }
    }
  }
  if (g_info.memory_count == 0) {
    panic("the device tree has no memory");
  }
}

void read_reserved(const Fdt& fdt) {
  for (usize i = 0; auto range = fdt.reservation(i); i++) {
    add_reserved(*range);
  }
  const auto node = fdt.find("/reserved-memory");
  if (!node) {
    return;
  }
  for (auto child = node->first_child(); child; child = child->next_sibling()) {
    for (usize i = 0; auto range = child->reg(i); i++) {
      add_reserved(*range);
    }
  }
}

void read_chosen(const Fdt& fdt) {
  const auto chosen = fdt.find("/chosen");
  if (!chosen) {
    return;
  }
  g_info.command_line = chosen->text("bootargs").value_or(StringView());
  const u64 start = chosen->number("linux,initrd-start").value_or(0);
  const u64 end = chosen->number("linux,initrd-end").value_or(0);
  if (end > start) {
    g_info.initrd = {start, end - start};
  }
  if (const auto seed = chosen->property("rng-seed")) {
    for (const u8 byte : *seed) {
      g_info.seed = (g_info.seed ^ byte) * 0x100'0000'01b3;  // FNV: any length gives a number
    }
  }
  if (const auto option = boot_option("quire.seed")) {
    g_info.seed = parse_number(*option).value_or(g_info.seed);
  }
}

void read_hart(const Fdt& fdt) {
  const auto hart = fdt.find_compatible("riscv");
  if (!hart) {
    return;
  }
  g_info.isa = IsaExtensions::parse(hart->text("riscv,isa").value_or(StringView()));
  const u64 block_bytes = hart->number("riscv,cboz-block-size").value_or(0);
  // Whole turns of four blocks must make a page (clear_pages).
  if (g_info.isa.has("zicboz") && block_bytes >= 16 && block_bytes <= kPageBytes / 4 &&
      (block_bytes & (block_bytes - 1)) == 0) {
    g_info.zero_block_bytes = block_bytes;
  } else {
    g_info.isa.remove("zicboz");
  }
}

}  // namespace

void init_boot_info(u64 hart_id, PhysAddr device_tree) {
  const void* const blob = phys_to_virt(device_tree);
  const auto size = Fdt::claimed_size(blob);
  if (!size) {
    panic("no device tree at {}", device_tree);
  }
  auto fdt = Fdt::parse({static_cast<const u8*>(blob), *size});
  if (!fdt.ok()) {
    panic("the device tree at {} is malformed", device_tree);
  }
  g_info.hart_id = hart_id;
  g_info.device_tree = fdt.value();
  g_info.device_tree_range = {device_tree.value, *size};
  read_memory(g_info.device_tree);
  read_reserved(g_info.device_tree);
  read_chosen(g_info.device_tree);
  read_hart(g_info.device_tree);
  if (const auto cpus = g_info.device_tree.find("/cpus")) {
    set_timebase(cpus->number("timebase-frequency").value_or(timebase_hz()));
  }
}

const BootInfo& boot_info() { return g_info; }

std::optional<StringView> boot_option(StringView key) { return find_option(g_info.command_line, key); }

}  // namespace kernel
