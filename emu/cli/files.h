// Output files of the host, with errors that name them.
#pragma once

#include <string>
#include <string_view>

namespace quire::cli {

/// Throws Error(kFile) when the file could not be written later: to be known before a long run, not after it.
/// Leaves no file where there was none.
void check_writable(const std::string& path);

/// Replaces the file. Throws Error(kFile) when it cannot be written whole.
void write_file(const std::string& path, std::string_view text);

}  // namespace quire::cli
