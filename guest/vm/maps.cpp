#include "guest/vm/maps.h"

#include "quire/arch/linux/mman.h"
#include "quire/arch/linux/stat.h"

namespace kernel {

namespace {
/// The name begins in this column: 25 characters and six words of eight, as the kernel's own seq_setwidth().
constexpr usize kNameColumn = 73;
}  // namespace

void format_maps_line(FormatSink& out, const MapsLine& line) {
  char text[160];
  const StringView prefix =
      format_into(text, "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {} ", line.start.value, line.end.value,
                  (line.prot & kProtRead) != 0 ? 'r' : '-', (line.prot & kProtWrite) != 0 ? 'w' : '-',
                  (line.prot & kProtExec) != 0 ? 'x' : '-', line.shared ? 's' : 'p', line.offset,
                  device_major(line.device), device_minor(line.device), line.inode);
  out.put(prefix);
  if (!line.name.empty()) {
    for (usize column = prefix.size(); column < kNameColumn; column++) {
      out.put(" ");
    }
    for (const char c : line.name) {
      out.put(c == '\n' ? StringView("\\012") : StringView(&c, 1));
    }
  }
  out.put("\n");
}

}  // namespace kernel
