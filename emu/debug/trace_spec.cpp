#include "emu/debug/trace_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "quire/error.h"

namespace quire::debug {
namespace {

struct Category {
  std::string_view name;
  bool TraceSpec::*wanted;
};
constexpr Category kCategories[] = {
    {"insn", &TraceSpec::insn}, {"asm", &TraceSpec::listing}, {"mmu", &TraceSpec::mmu},
    {"trap", &TraceSpec::trap}, {"irq", &TraceSpec::irq},     {"device", &TraceSpec::device},
    {"sbi", &TraceSpec::sbi},   {"jit", &TraceSpec::jit},     {"jit=code", &TraceSpec::jit_code}};
/// Of "all": what the guest does, and that once.
constexpr bool is_in_all(const Category& category) {
  return category.wanted != &TraceSpec::listing && category.wanted != &TraceSpec::jit &&
         category.wanted != &TraceSpec::jit_code;
}

void want(TraceSpec& spec, std::string_view name) {
  for (const Category& category : kCategories) {
    if (name == category.name || (name == "all" && is_in_all(category))) {
      spec.*category.wanted = true;
    }
  }
}

bool is_known(std::string_view name) {
  return name == "all" || std::any_of(std::begin(kCategories), std::end(kCategories),
                                      [name](const Category& c) { return c.name == name; });
}

}  // namespace

TraceSpec TraceSpec::parse(std::string_view text) {
  TraceSpec spec;
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) {
    spec.file = text.substr(colon + 1);
    if (spec.file.empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("--trace '{}' names no file behind the ':'", text));
    }
  }
  std::string_view names = text.substr(0, colon);
  for (bool more = true; more;) {
    const auto comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    if (!is_known(name)) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("--trace: '{}' is no category: there are insn, asm, mmu, trap, irq, device, sbi, "
                      "jit, jit=code and all (but asm and jit), separated by commas",
                      name));
    }
    want(spec, name);
    more = comma != std::string_view::npos;
    if (more) names.remove_prefix(comma + 1);
  }
  return spec;
}

ObservedSet TraceSpec::observed() const {
  ObservedSet set;
  if (insn || listing) set = set | Observed::kInsn;
  if (mmu) set = set | Observed::kMmu;
  if (trap) set = set | Observed::kTrap;
  if (irq) set = set | Observed::kInterrupt;
  if (device) set = set | Observed::kDevice;
  if (sbi) set = set | Observed::kSbi;
  if (jit || jit_code) set = set | Observed::kCode;
  return set;
}

}  // namespace quire::debug
