#include "guest/drivers/framebuffer.h"

#include <algorithm>

#include "guest/hal/boot_info.h"
#include "guest/lib/log.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

namespace {

constexpr StringView kFormat = "x8r8g8b8";
constexpr u64 kPixelBytes = 4;

std::optional<Framebuffer> g_framebuffer;

/// Pages of `rows` that a program may see. The last one may begin with rows and end with what is somebody
/// else's, unless the node, or memory reserved for it, goes on to its end.
u64 mappable_bytes(PhysRange rows, PhysRange node) {
  const u64 bytes = align_up(rows.size_bytes, kPageBytes);
  const u64 end = rows.start + bytes;
  const auto covers = [&](PhysRange range) { return range.start <= rows.start && end <= range.end(); };
  const BootInfo& info = boot_info();
  const bool whole = covers(node) || std::any_of(info.reserved, info.reserved + info.reserved_count, covers);
  return whole ? bytes : align_down(rows.size_bytes, kPageBytes);
}

std::optional<Framebuffer> read_node(const FdtNode& node) {
  const auto memory = node.reg();
  const auto width = node.number("width");
  const auto height = node.number("height");
  const auto stride = node.number("stride");
  if (!memory || !width || !height || !stride || node.text("format") != kFormat ||
      !is_aligned(memory->start, kPageBytes) || *width == 0 || *height == 0 || *stride > ~u32{0} ||
      *width > *stride / kPixelBytes || *height > memory->size_bytes / *stride) {
    return std::nullopt;
  }
  const PhysRange rows{memory->start, *stride * *height};
  return Framebuffer{rows,
                     mappable_bytes(rows, *memory),
                     nullptr,
                     static_cast<u32>(*width),
                     static_cast<u32>(*height),
                     static_cast<u32>(*stride)};
}

}  // namespace

void init_framebuffer() {
  const auto node = boot_info().device_tree.find_compatible("simple-framebuffer");
  if (!node || !node->enabled()) {
    return;
  }
  auto found = read_node(*node);
  if (!found) {
    log_warning("framebuffer: {} is not one of format {}", node->name(), kFormat);
    return;
  }
  const auto pixels = ioremap(found->memory);
  if (!pixels.ok()) {
    log_warning("framebuffer: no memory to map {} bytes", found->memory.size_bytes);
    return;
  }
  found->pixels = const_cast<u8*>(pixels.value());
  g_framebuffer = found;
}

const Framebuffer* framebuffer() { return g_framebuffer ? &*g_framebuffer : nullptr; }

}  // namespace kernel
