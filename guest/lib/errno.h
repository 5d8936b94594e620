// Errno: Linux's error numbers as a type, from the one shared table.
//
// The enumerators are prefixed (`Errno::kENOENT`) because a host's <errno.h> makes macros of the plain names.
#pragma once

#include <string_view>

#include "guest/lib/types.h"

namespace kernel {

enum class Errno : u16 {
#define QUIRE_ERRNO(number, name, text) k##name = (number),
#include "quire/arch/linux/errno.inc"
#undef QUIRE_ERRNO
};

/// "ENOENT", or "E?" for a number that is not in the table.
std::string_view errno_name(Errno error);

}  // namespace kernel
