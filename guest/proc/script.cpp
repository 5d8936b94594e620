#include "guest/proc/script.h"

namespace kernel {

namespace {

constexpr StringView kBlanks = " \t";

StringView trim(StringView text) {
  const usize first = text.find_first_not_of(kBlanks);
  if (first == StringView::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<ScriptLine> parse_script(StringView head) {
  if (head.size() < 2 || head[0] != '#' || head[1] != '!') {
    return std::nullopt;
  }
  StringView line = head.substr(2);
  const usize end = std::min(line.find('\n'), line.find('\0'));
  const bool whole_line = end != StringView::npos || head.size() < kExecHeadBytes;
  line = line.substr(0, end);
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  // A blank behind the path, be it the last that was read, shows that all of the path is there.
  const usize blank = line.find_first_of(kBlanks);
  if (line.empty() || (blank == StringView::npos && !whole_line)) {
    return std::nullopt;  // the path may have been cut off
  }
  ScriptLine script{.interpreter = line.substr(0, blank), .option = {}};
  if (blank != StringView::npos) {
    script.option = trim(line.substr(blank));
  }
  return script;
}

}  // namespace kernel
