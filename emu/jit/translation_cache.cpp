#include "emu/jit/translation_cache.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "emu/base/touch.h"
#include "emu/jit/lower_x86.h"
#include "emu/jit/passes.h"
#include "emu/jit/record.h"
#include "emu/jit/stubs.h"

namespace quire::jit {
namespace {

/// More than any block takes: 64 accesses of a hot loop that are each the first of several, and give back and
/// lend ten registers on all their ways, are 41 KB.
constexpr usize kMaxBlockBytes = 64 << 10;
/// Pages' records that are made at a time.
constexpr usize kRecords = 16;
/// What the tables of entries may take, in sizes of the code memory: guests that jump about need a page for
/// little code.
constexpr usize kTableShare = 2;
/// Writes beside code before its page is taken for data: a slow write costs a thousandth of making code
/// again. Doubled each time, up to the second figure, for pages that are both.
constexpr u32 kFirstPatience = 256;
constexpr u32 kMostPatience = 1 << 20;

}  // namespace

TranslationCache::TranslationCache(Ram& ram, FastTlb& fast, const Isa& isa, const Callees& callees,
                                   usize code_bytes, bool with_perf_map, unsigned hot_samples,
                                   const Switches& switches)
    : ram_(ram),
      fast_(fast),
      isa_(isa),
      callees_(callees),
      switches_(switches),
      max_pages_(std::min(kMaxPages, kTableShare * code_bytes / sizeof(TranslatedPage))),
      hot_samples_(hot_samples),
      memory_(code_bytes),
      emission_(memory_),
      stubs_(make_stubs(memory_, callees)) {
  ram_.add_watcher(this);
  if (with_perf_map) perf_map_ = std::make_unique<PerfMap>();
}

TranslationCache::~TranslationCache() {
  ram_.remove_watcher(this);
  for (const auto& [frame, page] : pages_) ram_.set_has_code(PhysAddr(frame), false);
}

EngineStats TranslationCache::stats() const {
  EngineStats result = stats_;
  result.code_bytes = memory_.used_bytes();
  result.table_bytes = pages_.size() * sizeof(TranslatedPage) + sites_.size() * sizeof(CallSite) +
                       links_.size() * sizeof(Link);
  return result;
}

TranslationCache::PageRecord& TranslationCache::take_record() {
  if (records_.empty() || records_.back().size() == kRecords) {
    std::vector<PageRecord>& fresh = records_.emplace_back();
    fresh.reserve(kRecords);
    touch_pages(fresh.data(), kRecords * sizeof(PageRecord));
  }
  return records_.back().emplace_back();
}

TranslatedPage& TranslationCache::page(PhysAddr frame) {
  PageRecord*& page = pages_[frame.value];
  if (page == nullptr) {
    page = &take_record();
    page->frame = frame.value;
    page->patience = kFirstPatience;
    std::fill(std::begin(page->code), std::end(page->code), stubs_.cold);
  }
  return *page;
}

Ir TranslationCache::record_block(const TranslatedPage& page, u16 offset) const {
  static const BranchProfile nothing_known;
  const BranchProfile* profile = nullptr;
  if (is_hot(page, offset)) {
    profile = static_cast<const PageRecord&>(page).profile.get();
    if (profile == nullptr) profile = &nothing_known;
  }
  auto insns = choose_path({ram_, isa_, stops_, stubs_.cold, switches_}, page, offset, profile);
  return insns.empty() ? Ir{} : record(isa_, offset, std::move(insns), switches_);
}

namespace {

/// Loads and stores that may have a window.
usize count_accesses(const Ir& ir, const HalfwordSet& plain) {
  usize count = 0;
  for (const Node& node : ir.nodes) {
    if (node.op != IrOp::kLoad && node.op != IrOp::kLoadSigned && node.op != IrOp::kStore) continue;
    count += plain.test((ir.page_offset + ir.insns[node.guest].place) / 2) ? 0 : 1;
  }
  return count;
}

}  // namespace

const void* TranslationCache::translate(TranslatedPage& page, u16 offset) {
  Ir ir = record_block(page, offset);
  if (ir.insns.empty()) return nullptr;
  optimize(ir);
  const usize first_link = links_.size();
  const LowerTarget target = target_for(page, ir, offset);
  if (!write(ir, target)) return nullptr;
  PageRecord& record = static_cast<PageRecord&>(page);
  watch(record);
  Block& block = record.blocks[offset];
  block = {ir.ranges(), 0, target.windows, {}};
  mark_decoded(record, block);
  return keep(page, ir, offset, target.code_offset, first_link);
}

LowerTarget TranslationCache::target_for(TranslatedPage& page, const Ir& ir, u16 offset) {
  LowerTarget target{stubs_, page, static_cast<u32>(memory_.used_bytes()), sites_, links_};
  target.from = page.frame + offset;
  target.is_hot = is_hot(page, offset);
  const usize accesses = switches_.has_off(Part::kWindows) ? 0 : count_accesses(ir, page.plain);
  if (accesses != 0 && target.is_hot) {
    target.windows = make_windows(memory_, accesses, offset, !page.settled.test(offset / 2));
    target.plain = &page.plain;
  }
  return target;
}

/// False: there is no code of it, as Emission::finish() says.
bool TranslationCache::write(const Ir& ir, const LowerTarget& target) {
  emission_.begin();
  LowerX86 lower(ir, target, emission_.assembler());
  lower.emit_hot();
  lower.emit_cold();
  return emission_.finish();
}

/// Before there is code of it.
void TranslationCache::watch(const PageRecord& page) {
  if (page.has_code()) return;
  ram_.set_has_code(PhysAddr(page.frame), true);
  if (ram_.stored_fast(PhysAddr(page.frame))) fast_.clear_stores_to(ram_.host(PhysAddr(page.frame)));
}

/// The code from `start` on is that of the block.
const void* TranslationCache::keep(TranslatedPage& page, const Ir& ir, u16 offset, usize start,
                                   usize first_link) {
  const u8* const code = memory_.run_address(start);
  ++stats_.blocks_built;
  if (perf_map_) perf_map_->add(code, memory_.used_bytes() - start, page.frame + offset);
  page.code[offset / 2] = code;
  if (observer() != nullptr) tell_made(page, ir, start);
  link_known(first_link);
  return code;
}

void TranslationCache::tell_made(const TranslatedPage& page, const Ir& ir, usize code_offset) const {
  const u64 begin = page.frame + (static_cast<u64>(ir.page_offset) & (kPageBytes - 1));
  std::vector<PlacedInsn> insns;
  for (const SourceInsn& source : ir.insns) {
    insns.push_back({begin + source.place, source.insn.raw});
  }
  const u8* const code = memory_.run_address(code_offset);
  observer()->on_block_made(insns, {code, memory_.used_bytes() - code_offset}, to_text(ir));
}

void TranslationCache::mark_decoded(PageRecord& page, const Block& block) {
  for (const ByteRange& range : block.ranges) page.decoded.set_range(range.first / 2U, (range.end - 1U) / 2);
}

bool TranslationCache::Block::has_any_of(u64 first_halfword, u64 last_halfword) const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const ByteRange& range) {
    return range.first / 2U <= last_halfword && first_halfword <= (range.end - 1U) / 2;
  });
}

const void* TranslationCache::translate_across(TranslatedPage& page, TranslatedPage& next) {
  constexpr u16 kOffset = kPageBytes - 2;
  std::array<u16, 2> raw;
  std::memcpy(&raw[0], ram_.host(PhysAddr(page.frame) + kOffset), sizeof(u16));
  std::memcpy(&raw[1], ram_.host(PhysAddr(next.frame)), sizeof(u16));
  if (insn_length(raw[0]) != sizeof(raw) || stops_.test(kOffset / 2)) return nullptr;
  const Insn insn = isa_.decode(raw[0] | u32{raw[1]} << 16);
  if (has_flag(insn.op, kSystem)) return nullptr;
  Ir ir = record(isa_, -2, {{insn, 0}}, switches_);
  optimize(ir);
  const usize first_link = links_.size();
  LowerTarget target{stubs_, next, static_cast<u32>(memory_.used_bytes()), sites_, links_};
  target.from = page.frame + kOffset;
  if (!write(ir, target)) return nullptr;
  PageRecord& begins = static_cast<PageRecord&>(page);
  PageRecord& ends = static_cast<PageRecord&>(next);
  watch(begins);
  Block& block = begins.blocks[kOffset];
  block = {{{kOffset, kPageBytes}}, 0, nullptr, {}};
  mark_decoded(begins, block);
  page.settled.set(kOffset / 2);
  watch(ends);
  next.decoded.set_range(0, 0);
  if (std::find(ends.begun.begin(), ends.begun.end(), &begins) == ends.begun.end()) {
    ends.begun.push_back(&begins);
  }
  return keep(page, ir, kOffset, target.code_offset, first_link);
}

void TranslationCache::link_known(usize first_link) {
  for (usize i = first_link; i < links_.size(); ++i) {
    const void* const code = links_[i].page->code[links_[i].page_offset / 2];
    if (code != stubs_.cold) make_link(links_[i], code);
  }
}

void TranslationCache::make_link(const Link& link, const void* code) {
  if (switches_.has_off(Part::kLinks)) return;
  memory_.patch_jump(link.patch_at, code);
  static_cast<PageRecord&>(*link.page).blocks[link.page_offset].links.push_back(&link);
  ++stats_.links;
  if (observer() != nullptr) {
    observer()->on_link_made(link.from, link.page->frame + link.page_offset);
  }
}

TranslationCache::Warmth TranslationCache::sample(TranslatedPage& page, u16 offset) {
  PageRecord& record = static_cast<PageRecord&>(page);
  const auto found = record.blocks.find(offset);
  if (found == record.blocks.end() || page.settled.test(offset / 2)) return Warmth::kAsBefore;
  Block& block = found->second;
  if (++block.samples < hot_samples_) return Warmth::kAsBefore;
  if (page.hot.test(offset / 2)) {
    if (block.windows != nullptr) mark_plain(record, *block.windows);
    page.settled.set(offset / 2);
  }
  page.hot.set(offset / 2);
  make_anew(record, offset);
  return Warmth::kHot;
}

void TranslationCache::add_profile(PhysAddr frame, const BranchProfile& profile) {
  const auto found = pages_.find(frame.value);
  if (found == pages_.end()) return;
  PageRecord& page = *found->second;
  if (page.profile == nullptr) page.profile = std::make_unique<BranchProfile>();
  page.profile->add(profile);
}

void TranslationCache::judge_windows(TranslatedPage& page, WindowTable& table) {
  PageRecord& record = static_cast<PageRecord&>(page);
  if (table.on_trial) {
    if (mark_plain(record, table)) make_anew(record, table.block_offset);
    return;
  }
  page.settled.reset(table.block_offset / 2);  // its accesses may no longer be what they were: on trial again
  make_anew(record, table.block_offset);
}

bool TranslationCache::mark_plain(PageRecord& page, WindowTable& table) {
  bool any = false;
  judge(table, [&](u16 place) {
    page.plain.set(place / 2);
    any = true;
  });
  return any;
}

/// When execution comes by next; what runs of it now goes on.
void TranslationCache::make_anew(PageRecord& page, u16 offset) {
  const auto found = page.blocks.find(offset);
  if (found == page.blocks.end()) return;
  drop_block(page, offset, found->second, DropReason::kRemade);
  page.blocks.erase(found);
}

bool TranslationCache::full() const {
  return memory_.free_bytes() < kMaxBlockBytes || pages_.size() > max_pages_;
}

void TranslationCache::flush() {
  u64 blocks = 0;
  for (const auto& [frame, page] : pages_) {
    blocks += page->blocks.size();
    ram_.set_has_code(PhysAddr(frame), false);
  }
  stats_.blocks_dropped += blocks;
  stats_.dropped_by[static_cast<usize>(DropReason::kRoom)] += blocks;
  if (observer() != nullptr) observer()->on_code_given_up(blocks);
  pages_.clear();
  records_.clear();
  last_written_ = nullptr;
  sites_.clear();
  links_.clear();
  memory_.reset();
  fast_.clear();  // the fetch entries lead to the pages
  ++stats_.flushes;
}

void TranslationCache::renew() {
  flush();
  memory_.renew();
  stubs_ = make_stubs(memory_, callees_);
}

void TranslationCache::set_stops(const StopOffsets& stops) {
  const StopOffsets changed = stops_ ^ stops;
  stops_ = stops;
  if (changed.none()) return;
  for (const auto& [frame, page] : pages_) {
    if (page->decoded.any_of(changed)) drop(*page, 0, kPageBytes / 2 - 1, DropReason::kStop);
  }
}

void TranslationCache::ram_written(PhysAddr start, u64 count_bytes, Writer) {
  u64 at = start.value;
  const u64 end = start.value + count_bytes;
  while (at < end) {
    const u64 stop = std::min(end, align_down(at, kPageBytes) + kPageBytes);
    if (ram_.watched(PhysAddr(at))) written_in_page(PhysAddr(at), stop - at);
    at = stop;
  }
}

void TranslationCache::written_in_page(PhysAddr start, u64 count_bytes) {
  const PhysAddr frame(align_down(start.value, kPageBytes));
  if (last_written_ == nullptr || last_written_->frame != frame.value) {
    const auto found = pages_.find(frame.value);
    if (found == pages_.end()) return;  // watched for another reason than code
    last_written_ = found->second;
  }
  PageRecord& page = *last_written_;
  const u64 first = (start - frame) / 2;
  const u64 last = (start - frame + count_bytes - 1) / 2;
  if (page.decoded.any_in(first, last)) return drop(page, first, last, DropReason::kWritten);
  if (!page.has_code() || ++page.writes_beside < page.patience) return;
  page.patience = std::min(2 * page.patience, kMostPatience);
  drop(page, 0, kPageBytes / 2 - 1, DropReason::kData);
  std::fill(std::begin(page.heat), std::end(page.heat), u8{0});
}

/// All blocks with instructions there; the others of the page stay.
void TranslationCache::drop(PageRecord& page, u64 first_halfword, u64 last_halfword, DropReason reason) {
  ++page.generation;
  page.decoded.reset();
  for (auto at = page.blocks.begin(); at != page.blocks.end();) {
    const auto& [offset, block] = *at;
    if (block.has_any_of(first_halfword, last_halfword)) {
      drop_block(page, offset, block, reason);
      at = page.blocks.erase(at);
    } else {
      mark_decoded(page, block);
      ++at;
    }
  }
  drop_begun(page, first_halfword, reason);
  if (page.has_code()) return;
  page.hot.reset();
  page.settled.reset();
  page.plain.reset();
  page.profile.reset();
  page.writes_beside = 0;
  ram_.set_has_code(PhysAddr(page.frame), false);
}

/// The instructions that end in the page's first halfword.
void TranslationCache::drop_begun(PageRecord& page, u64 first_halfword, DropReason reason) {
  if (page.begun.empty()) return;
  if (first_halfword != 0) return page.decoded.set_range(0, 0);
  constexpr u64 kLast = kPageBytes / 2 - 1;
  for (PageRecord* other : std::exchange(page.begun, {})) drop(*other, kLast, kLast, reason);
}

/// What has run often is likely to do so again: it is translated anew soon.
void TranslationCache::drop_block(PageRecord& page, u16 offset, const Block& block, DropReason reason) {
  // A process that writes to RAM after fork(2), but has not run since, has its parent's code.
  if (!block.links.empty() && memory_.is_of_this_process()) {
    for (const Link* link : block.links) {
      memory_.patch_jump(link->patch_at, memory_.run_address(link->unlinked_at));
    }
  }
  page.code[offset / 2] = stubs_.cold;
  if (reason == DropReason::kWritten) {  // longer ones would soon be made for nothing again
    page.hot.reset(offset / 2);
    page.settled.reset(offset / 2);
  }
  ++(reason == DropReason::kRemade ? stats_.blocks_remade : stats_.blocks_dropped);
  ++stats_.dropped_by[static_cast<usize>(reason)];
  if (observer() != nullptr) observer()->on_block_dropped(page.frame + offset, reason);
}

}  // namespace quire::jit
