// PathCursor: walks over the components of a path. Pure; tested on the host.
#pragma once

#include "guest/lib/span.h"

namespace kernel {

class PathCursor {
 public:
  explicit PathCursor(StringView path) : rest_(path) { skip_slashes(); }

  bool at_end() const { return rest_.empty(); }
  /// The next component; "" at the end. Slashes after it are skipped, however many.
  StringView next() {
    const usize length = std::min(rest_.find('/'), rest_.size());
    const StringView component = rest_.substr(0, length);
    rest_.remove_prefix(length);
    skip_slashes();
    return component;
  }
  /// What next() has not yet given.
  StringView rest() const { return rest_; }

 private:
  void skip_slashes() { rest_.remove_prefix(std::min(rest_.find_first_not_of('/'), rest_.size())); }
  StringView rest_;
};

inline bool is_absolute(StringView path) { return !path.empty() && path.front() == '/'; }
inline bool is_dot(StringView name) { return name == "."; }
inline bool is_dot_dot(StringView name) { return name == ".."; }

}  // namespace kernel
