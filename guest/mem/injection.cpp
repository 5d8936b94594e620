#include "guest/mem/injection.h"

#include "guest/lib/log.h"
#include "guest/lib/parse.h"

namespace kernel {

namespace {

FailFor g_lasting[kFailTargets];
constexpr StringView kHeapPrefix = "heap:";

}  // namespace

std::optional<Injection> Injection::parse(StringView text) {
  Injection injection;
  if (text.substr(0, kHeapPrefix.size()) == kHeapPrefix) {
    injection.target = FailTarget::kObjects;
    text.remove_prefix(kHeapPrefix.size());
  }
  if (!text.empty() && text.back() == '+') {
    injection.lasting = FailFor::kEver;
    text.remove_suffix(1);
  }
  const auto nth = parse_number(text);
  if (!nth || *nth == 0) {
    return std::nullopt;
  }
  injection.nth = *nth;
  return injection;
}

void inject(const Injection& injection) {
  const unsigned target = static_cast<unsigned>(injection.target);
  g_lasting[target] = injection.lasting;
  injection_detail::g_left[target] = injection.nth;
}

void stop_injecting() {
  for (u64& left : injection_detail::g_left) {
    left = 0;
  }
}

bool injection_detail::count_down(FailTarget target) {
  const unsigned at = static_cast<unsigned>(target);
  if (--g_left[at] != 0) {
    return false;
  }
  if (g_lasting[at] == FailFor::kEver) {
    g_left[at] = 1;
  }
  return true;
}

}  // namespace kernel
