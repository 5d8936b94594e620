// The strings that ask for a program: the run file and the payload of a spawn request
// (quire/arch/bootinfo.h). Pure.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"
#include "guest/lib/vector.h"

namespace kernel {

/// Views into the bytes that were parsed.
struct RunRequest {
  StringView executable;
  StringView cwd = "/";
  Vector<StringView> args;
  Vector<StringView> env;

  /// EINVAL: not NUL-terminated strings, another magic, an unknown key, or no executable.
  static KResult<RunRequest> parse(ConstByteSpan bytes);
};

}  // namespace kernel
