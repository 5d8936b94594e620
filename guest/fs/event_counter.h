// eventfd(2): a 64-bit counter that can be read, written and waited for.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

enum EventFlag : u32 { kEventSemaphore = 1 };

/// `flags`: kEventSemaphore, kOpenNonBlock.
KResult<RefPtr<File>> make_event_counter(u32 initial, u32 flags);

}  // namespace kernel
