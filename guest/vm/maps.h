// Lines of /proc/PID/maps (proc_pid_maps(5)). Pure; tested on the host.
#pragma once

#include "guest/lib/format.h"

namespace kernel {

struct MapsLine {
  VirtAddr start;
  VirtAddr end;
  u32 prot;
  bool shared;
  u64 offset;
  u64 device;  ///< as st_dev
  u64 inode;
  StringView name;  ///< path, or "[heap]" and its like; may be empty
};

/// One line with its newline. A newline in the name is written as \012.
void format_maps_line(FormatSink& out, const MapsLine& line);

}  // namespace kernel
