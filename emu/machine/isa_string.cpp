#include "emu/machine/isa_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "quire/error.h"

namespace quire {
namespace {

constexpr std::string_view kPrefix = "rv64";

/// Letters that stand for several extensions.
struct Shorthand {
  std::string_view name;
  ExtensionSet meaning;
};
constexpr Shorthand kShorthands[] = {
    {"g", {Extension::I, Extension::M, Extension::A, Extension::F, Extension::D}},
};

std::optional<ExtensionSet> meaning_of(std::string_view name) {
  for (const Shorthand& shorthand : kShorthands) {
    if (shorthand.name == name) return shorthand.meaning;
  }
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    if (kExtensionInfo[e].name == name) return ExtensionSet{static_cast<Extension>(e)};
  }
  return std::nullopt;
}

/// The names in `text`, which is what follows the prefix: letters, then words. A word may follow the letters
/// without '_', as they are told apart by their first letter.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> names;
  usize at = 0;
  while (at < text.size() && text[at] != '_' &&
         std::string_view("zsx").find(text[at]) == std::string_view::npos) {
    names.emplace_back(text.substr(at++, 1));
  }
  while (at < text.size()) {
    if (text[at] == '_') ++at;
    const usize end = std::min(text.find('_', at), text.size());
    names.emplace_back(text.substr(at, end - at));
    at = end;
    if (at + 1 == text.size()) names.emplace_back();  // a '_' with nothing behind it
  }
  return names;
}

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::kUsage, fmt::format("ISA '{}' is impossible: {}", text, why));
}

}  // namespace

ExtensionSet parse_isa(std::string_view text) {
  if (text.empty()) return kDefaultExtensions;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!lower.starts_with(kPrefix)) refuse(text, "it must begin with rv64, as in rv64gc_zba");
  const std::vector<std::string> names = split(std::string_view(lower).substr(kPrefix.size()));
  if (names.empty() || (names[0] != "i" && names[0] != "g")) refuse(text, "after rv64 comes i or g");
  ExtensionSet set;
  for (const std::string& name : names) {
    const auto meaning = meaning_of(name);
    if (!meaning) {
      refuse(text, fmt::format("there is no extension '{}'; all there are: {}", name,
                               isa_string(ExtensionSet::all())));
    }
    if (std::count(names.begin(), names.end(), name) > 1)
      refuse(text, fmt::format("it names '{}' twice", name));
    set = set | *meaning;
  }
  return completed(set);
}

std::vector<std::string> isa_names(ExtensionSet set) {
  std::vector<std::string> names;
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    if (set.has(static_cast<Extension>(e))) names.emplace_back(kExtensionInfo[e].name);
  }
  return names;
}

std::string isa_string(ExtensionSet set) {
  std::string text(kPrefix);
  for (const std::string& name : isa_names(set)) {
    text += name.size() == 1 ? name : "_" + name;
  }
  return text;
}

}  // namespace quire
