#include "emu/debug/hex.h"

namespace quire::debug {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
constexpr std::size_t kRegisterDigits = 16;

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string text_to_hex(std::string_view text) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]);
    const int low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::optional<std::uint64_t> take_hex(std::string_view& text) {
  std::uint64_t value = 0;
  std::size_t count = 0;
  for (; count < text.size(); ++count) {
    const int digit = hex_digit(text[count]);
    if (digit < 0) break;
    if (value >> 60 != 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  if (count == 0) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

std::optional<std::uint64_t> parse_hex(std::string_view digits) {
  const auto value = take_hex(digits);
  return digits.empty() ? value : std::nullopt;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string register_hex(std::uint64_t value) {
  std::string text;
  for (unsigned byte = 0; byte < 8; ++byte, value >>= 8) {
    text += kDigits[value >> 4 & 15];
    text += kDigits[value & 15];
  }
  return text;
}

std::optional<std::uint64_t> parse_register(std::string_view digits) {
  const auto bytes = digits.size() == kRegisterDigits ? from_hex(digits) : std::nullopt;
  if (!bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = bytes->size(); i-- > 0;) value = value << 8 | (*bytes)[i];
  return value;
}

}  // namespace quire::debug
