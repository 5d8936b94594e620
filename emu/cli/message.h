// Messages of the command itself, on stderr, apart from the guest's bytes.
#pragma once

#include <string_view>

namespace quire::cli {

/// Colour is used on a terminal only, and never when NO_COLOR is set or the user said so.
void set_color_wanted(bool wanted);

/// "quire: TEXT", one line; what the user must act upon.
void complain(std::string_view text);
/// The same, for what he need not act upon.
void note(std::string_view text);

}  // namespace quire::cli
