#include "emu/devices/plic.h"

#include "emu/base/assert.h"

namespace quire {

namespace {

// PLIC 1.0.0, chapter 3: memory map.
constexpr u64 kPriorityBase = 0x0;
constexpr u64 kPendingBase = 0x1000;
constexpr u64 kEnableBase = 0x2000;
constexpr u64 kEnableStride = 0x80;
constexpr u64 kContextBase = 0x20'0000;
constexpr u64 kContextStride = 0x1000;
constexpr u64 kThreshold = 0;
constexpr u64 kClaimComplete = 4;

/// Bits 32 * word .. 32 * word + 31 of a set of sources.
template <class Set>
u32 get_word(const Set& set, u64 word) {
  u32 value = 0;
  for (u64 i = 0; i < 32 && word * 32 + i < set.size(); ++i) {
    value |= static_cast<u32>(set[word * 32 + i]) << i;
  }
  return value;
}

template <class Set>
void set_word(Set& set, u64 word, u32 value) {
  for (u64 i = 0; i < 32 && word * 32 + i < set.size(); ++i) {
    set[word * 32 + i] = ((value >> i) & 1) != 0;
  }
  set[0] = false;
}

}  // namespace

Plic::Plic(const std::vector<IrqLine*>& contexts) {
  for (unsigned id = 1; id <= kPlicSources; ++id) {
    sources_.push_back(std::make_unique<Source>(*this, id));
  }
  for (IrqLine* line : contexts) {
    contexts_.emplace_back().line = line;
  }
  reset();
}

void Plic::reset() {
  priority_.fill(0);
  in_service_.reset();
  for (Context& context : contexts_) {
    context.enabled.reset();
    context.threshold = 0;
  }
  // The devices keep driving their lines; a line that is up asks again.
  pending_ = level_;
  update();
}

IrqLine& Plic::source(unsigned id) {
  QUIRE_ASSERT(id >= 1 && id <= kPlicSources);
  return *sources_[id - 1];
}

// 1.2: the gateway turns a level into one request at a time. A request stays when the level
// falls before it is claimed; the handler then finds nothing to do.
void Plic::set_level(unsigned id, bool asserted) {
  if (level_[id] == asserted) {
    return;
  }
  level_[id] = asserted;
  if (asserted && !in_service_[id] && (faults_ == nullptr || !faults_->loses_irq(id))) {
    pending_[id] = true;
    update();
  }
}

void Plic::raise_spurious(unsigned id) {
  QUIRE_ASSERT(id >= 1 && id <= kPlicSources);
  if (!in_service_[id]) {
    pending_[id] = true;
    update();
  }
}

void Plic::update() {
  for (const Context& context : contexts_) {
    context.line->set(best_source(context, context.threshold) != 0);
  }
}

/// The pending enabled source with the highest priority above `above_priority`; of equals the lowest id. 0:
/// none.
unsigned Plic::best_source(const Context& context, u32 above_priority) const {
  const SourceSet candidates = pending_ & context.enabled;
  unsigned best = 0;
  u32 best_priority = above_priority;
  for (auto id = candidates._Find_first(); id < candidates.size(); id = candidates._Find_next(id)) {
    if (priority_[id] > best_priority) {
      best = static_cast<unsigned>(id);
      best_priority = priority_[id];
    }
  }
  return best;
}

// Chapter 8: the threshold does not matter for a claim.
u32 Plic::claim(const Context& context) {
  const unsigned id = best_source(context, 0);
  if (id != 0) {
    pending_[id] = false;
    in_service_[id] = true;
    update();
  }
  return id;
}

// Chapter 9: ignored for a source that is not enabled for the context.
void Plic::complete(const Context& context, u32 id) {
  if (id > kPlicSources || !context.enabled[id] || !in_service_[id]) {
    return;
  }
  in_service_[id] = false;
  pending_[id] = level_[id];
  update();
}

u64 Plic::read(u64 offset, unsigned size) {
  if (size != 4) {
    return 0;
  }
  if (offset >= kContextBase) {
    const u64 index = (offset - kContextBase) / kContextStride;
    if (index >= contexts_.size()) {
      return 0;
    }
    switch (offset % kContextStride) {
      case kThreshold:
        return contexts_[index].threshold;
      case kClaimComplete:
        return claim(contexts_[index]);
      default:
        return 0;
    }
  }
  if (offset >= kEnableBase) {
    const u64 index = (offset - kEnableBase) / kEnableStride;
    return index < contexts_.size() ? get_word(contexts_[index].enabled, offset % kEnableStride / 4) : 0;
  }
  if (offset >= kPendingBase) {
    return get_word(pending_, (offset - kPendingBase) / 4);
  }
  const u64 id = (offset - kPriorityBase) / 4;
  return id <= kPlicSources ? priority_[id] : 0;
}

void Plic::write(u64 offset, unsigned size, u64 value) {
  if (size != 4) {
    return;
  }
  const u32 word = static_cast<u32>(value);
  if (offset >= kContextBase) {
    const u64 index = (offset - kContextBase) / kContextStride;
    if (index >= contexts_.size()) {
      return;
    }
    if (offset % kContextStride == kThreshold) {
      contexts_[index].threshold = word & kMaxPriority;
      update();
    } else if (offset % kContextStride == kClaimComplete) {
      complete(contexts_[index], word);
    }
    return;
  }
  if (offset >= kEnableBase) {
    const u64 index = (offset - kEnableBase) / kEnableStride;
    if (index < contexts_.size()) {
      set_word(contexts_[index].enabled, offset % kEnableStride / 4, word);
      update();
    }
    return;
  }
  const u64 id = (offset - kPriorityBase) / 4;
  if (id >= 1 && id <= kPlicSources) {
    priority_[id] = word & kMaxPriority;
    update();
  }
}

void Plic::transfer(StateArchive& archive) {
  const auto set = [&archive](SourceSet& sources) {
    for (usize i = 0; i < sources.size(); ++i) {
      bool bit = sources[i];
      archive(bit);
      sources[i] = bit;
    }
  };
  archive(priority_);
  set(level_);
  set(pending_);
  set(in_service_);
  for (Context& context : contexts_) {
    set(context.enabled);
    archive(context.threshold);
  }
}

}  // namespace quire
