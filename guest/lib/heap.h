// Where the library's containers get their memory; the layer that owns memory defines these functions.
//
// Memory is aligned to 16 bytes. Failure is a null pointer, which every caller turns into ENOMEM:
// there is no throwing `new` in the supervisor (it is not defined, so a use fails to link).
#pragma once

#include <new>

#include "guest/lib/result.h"

namespace kernel {

/// `bytes` may be 0. Null when memory is exhausted.
void* heap_alloc(usize bytes);
/// Null is allowed.
void heap_free(void* memory);

}  // namespace kernel
