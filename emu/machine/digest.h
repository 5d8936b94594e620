// One number for a machine's whole state.
//
// Depends on contents alone: a page that was never touched and one full of zeros are the same.
#pragma once

#include <span>

#include "emu/base/types.h"

namespace quire {

/// xxh3 over `words` and over every page of `ram` that is not all zero, with its index.
u64 digest_state(std::span<const u64> words, std::span<const u8> ram);

}  // namespace quire
