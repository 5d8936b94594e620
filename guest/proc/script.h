// The first line of an interpreter script (execve(2), "Interpreter scripts"). Pure.
#pragma once

#include <optional>

#include "guest/lib/span.h"

namespace kernel {

/// Linux' BINPRM_BUF_SIZE: what is looked at of a file to find out what it is.
inline constexpr usize kExecHeadBytes = 256;

struct ScriptLine {
  StringView interpreter;
  StringView option;  ///< the rest of the line as one argument; may be empty
};

/// Nothing when `head`, the first bytes of the file, does not start a script with a whole interpreter path.
std::optional<ScriptLine> parse_script(StringView head);

}  // namespace kernel
