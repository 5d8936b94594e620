#include "emu/jit/switches.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "quire/error.h"

namespace quire::jit {
namespace {

constexpr const char* kPartNames[] = {
#define QUIRE_PART(id, name) name,
#include "emu/jit/parts.inc"
};

}  // namespace

Switches Switches::off(const std::vector<std::string>& names) {
  Switches result;
  for (const std::string& name : names) {
    if (!result.set(name)) {
      throw Error(ErrorKind::kUsage, fmt::format("the translator has no '{}' to turn off; there are {}", name,
                                                 fmt::join(Switches::names(), ", ")));
    }
  }
  return result;
}

/// Extensions without instructions of their own are none of them.
std::vector<std::string> Switches::names() {
  std::vector<std::string> result;
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    Switches alone;
    alone.extensions_ = {static_cast<Extension>(e)};
    bool has_insns = static_cast<Extension>(e) == Extension::C;
    for (const OpInfo& info : kOpInfo) has_insns = has_insns || alone.has_off(info.group);
    if (has_insns) result.emplace_back(kExtensionInfo[e].name);
  }
  result.emplace_back("priv");
  result.insert(result.end(), std::begin(kPartNames), std::end(kPartNames));
  return result;
}

/// False: there is no such name.
bool Switches::set(std::string_view name) {
  any_ = true;
  for (unsigned part = 0; part < std::size(kPartNames); ++part) {
    if (name == kPartNames[part]) parts_ |= bit(static_cast<Part>(part));
  }
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    if (name == kExtensionInfo[e].name) extensions_ = extensions_ | ExtensionSet{static_cast<Extension>(e)};
  }
  priv_ = priv_ || name == "priv";
  const std::vector<std::string> known = names();
  return std::find(known.begin(), known.end(), name) != known.end();
}

}  // namespace quire::jit
