// KResult<T>: a value or an errno. `return Err(Errno::kENOENT);` fails, TRY(expression) hands an error on.
#pragma once

#include "guest/lib/errno.h"
#include "quire/arch/result.h"

namespace kernel {

template <class T>
using KResult = Result<T, Errno>;

}  // namespace kernel
