// Memory of the host that is about to be written from one end to the other.
#pragma once

#include "emu/base/types.h"

namespace quire {

/// Has the host's kernel give the pages of [start, start + bytes) at once, where it can: one by one, each
/// first touch is a fault, which costs a virtual host three times as much. Writable memory; contents stay.
void touch_pages(void* start, usize bytes);

/// The same for what is mapped to be read or run.
void touch_pages_to_read(const void* start, usize bytes);

}  // namespace quire
