// Random bytes for the kernel and for getrandom(2).
//
// On a board whose command line names a seed (quire.seed=) they follow from it, so runs repeat; elsewhere the
// virtio entropy device is mixed in.
#pragma once

#include "guest/lib/prng.h"

namespace kernel {

void init_entropy();
void random_bytes(ByteSpan to);
u64 random_number();

}  // namespace kernel
