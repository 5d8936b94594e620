// Hexadecimal as gdb's remote protocol writes it (Debugging with GDB, appendix E).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::debug {

/// -1: no such digit.
int hex_digit(char c);
std::string to_hex(std::span<const std::uint8_t> bytes);
std::string text_to_hex(std::string_view text);
/// Of an even number of digits; nothing when there is anything else.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view digits);

/// 1 to 16 digits, and nothing else.
std::optional<std::uint64_t> parse_hex(std::string_view digits);
/// The number at the start of `text`, which is then behind it.
std::optional<std::uint64_t> take_hex(std::string_view& text);
/// Whether `text` began with `prefix`, which is then behind it.
bool take(std::string_view& text, std::string_view prefix);

/// A register of 8 bytes, lowest first.
std::string register_hex(std::uint64_t value);
std::optional<std::uint64_t> parse_register(std::string_view digits);

}  // namespace quire::debug
