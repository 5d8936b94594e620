#include "guest/mem/injection.h"

#include "guest/lib/log.h"
#include "guest/lib/parse.h"

namespace kernel {

namespace injection_detail {

alignas(256) quire::arch::FailSlot quire_fail_slots[kFailTargets] = {};
static_assert(sizeof quire_fail_slots <= 256);  // within one page

}  // namespace injection_detail

namespace {

using injection_detail::quire_fail_slots;

constexpr struct {
  StringView prefix;
  FailTarget target;
} kPrefixes[] = {{"heap:", FailTarget::kObjects}, {"io:", FailTarget::kTransfers}};

FailTarget g_last_target = FailTarget::kFrames;

/// xorshift64 (Marsaglia, 2003)
u64 draw(u64& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 32;
}

}  // namespace

std::optional<Injection> Injection::parse(StringView text) {
  Injection injection;
  for (const auto& row : kPrefixes) {
    if (text.substr(0, row.prefix.size()) == row.prefix) {
      injection.target = row.target;
      text.remove_prefix(row.prefix.size());
      break;
    }
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
  quire_fail_slots[static_cast<unsigned>(injection.target)] = {.left = injection.nth,
                                                               .ever = injection.lasting == FailFor::kEver,
                                                               .chance = 0,
                                                               .random = 1,
                                                               .failures = 0};
  g_last_target = injection.target;
}

InjectionOutcome injection_outcome() {
  const auto& slot = quire_fail_slots[static_cast<unsigned>(g_last_target)];
  if (slot.left == 0) {
    return {.refused = 1, .missing = 0};
  }
  return {.refused = slot.failures, .missing = slot.failures == 0 ? slot.left : 0};
}

void stop_injecting() {
  for (auto& slot : quire_fail_slots) {
    slot = {};
  }
}

bool injection_detail::count_down(FailTarget target) {
  auto& slot = quire_fail_slots[static_cast<unsigned>(target)];
  if (--slot.left != 0) {
    return false;
  }
  if (slot.ever == 0) {
    slot = {};
    return true;
  }
  slot.left = 1;
  if (slot.chance != 0 && draw(slot.random) >= slot.chance) {
    return false;
  }
  ++slot.failures;
  return true;
}

}  // namespace kernel
