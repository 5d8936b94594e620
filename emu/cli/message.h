// Messages of the command itself, on stderr, apart from the guest's bytes.
#pragma once

#include <string_view>

namespace quire::cli {

/// Colour is used on a terminal only, and never when NO_COLOR is set or the user said so.
void set_color_wanted(bool wanted);

/// To be called before any file is opened: a standard stream that is closed would be taken by it. SIGPIPE is
/// ignored from here on; a reader that has gone is an error of the write.
void prepare_standard_streams();

/// Writes `text` to a standard stream; false when it does not take all of it. Never throws.
bool print_to(int fd, std::string_view text);

/// What the user has asked for, on stdout. Throws Error(kFile) when it cannot be written.
void print_answer(std::string_view text);

/// "quire: TEXT", one line; what the user must act upon.
void complain(std::string_view text);
/// The same, for what he need not act upon.
void note(std::string_view text);

}  // namespace quire::cli
