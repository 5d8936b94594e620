#include "emu/hart/insn_log.h"

#include <algorithm>

namespace quire {

void InsnLog::settle(u64 icount) {
  for (usize i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    const u64 end = i + 1 < entries_.size() ? entries_[i + 1].icount : icount;
    expand(entry, std::min<u64>(entry.count, end - entry.icount));
  }
  entries_.clear();
  tell();
}

void InsnLog::settle_so_far(u64 icount) {
  if (entries_.empty()) return;
  Entry rest = entries_.back();
  settle(icount);
  const u64 executed = std::min<u64>(rest.count, icount - rest.icount);
  for (u64 i = 0; i < executed && rest.insns != nullptr; ++i) rest.pc += rest.insns[i].length;
  rest.icount += executed;
  if (rest.insns != nullptr) rest.insns += executed;
  rest.count -= static_cast<u32>(executed);
  if (rest.count != 0) entries_.push_back(rest);
}

void InsnLog::expand(const Entry& entry, u64 executed) {
  constexpr usize kBatch = 8192;
  const usize first = places_.size();
  places_.resize(first + executed);
  InsnPlace* const out = places_.data() + first;
  u64 pc = entry.pc;
  for (u64 i = 0; i < executed; ++i) {
    out[i] = {entry.icount + i, pc};
    if (entry.insns != nullptr) pc += entry.insns[i].length;
  }
  if (places_.size() >= kBatch) tell();
}

void InsnLog::tell() {
  if (places_.empty()) return;
  sink_.on_insns(places_);
  places_.clear();
}

}  // namespace quire
