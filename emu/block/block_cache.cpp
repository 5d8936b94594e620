#include "emu/block/block_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "emu/isa/decode.h"

namespace quire {

/// A block and all that it points to.
struct BlockCache::Storage {
  Block block;
  std::vector<Insn> insns;
  std::unique_ptr<u8[]> code;  // cells, then exits
  usize bytes = 0;             // of host memory, all in all
};

struct BlockCache::Decoded {
  std::vector<Insn> insns;
  unsigned length_bytes = 0;
};

namespace {

/// What the host's allocator adds to three pieces, and a vector to its elements.
constexpr usize kOverheadBytes = 64;

}  // namespace

BlockCache::BlockCache(Ram& ram, FastTlb& fast, const Isa& isa, const HandlerTable& handlers,
                       usize limit_bytes)
    : ram_(ram), fast_(fast), isa_(isa), handlers_(handlers), limit_bytes_(limit_bytes) {
  ram_.add_watcher(this);
}

BlockCache::~BlockCache() {
  ram_.remove_watcher(this);
  for (const auto& [frame, record] : pages_) ram_.set_has_code(PhysAddr(frame), false);
}

CodePage& BlockCache::page(PhysAddr frame) {
  auto& record = pages_[frame.value];
  if (record == nullptr) {
    record = std::make_unique<PageRecord>();
    record->page.frame = frame;
    held_bytes_ += sizeof(PageRecord) + kOverheadBytes;
  }
  return record->page;
}

Block* BlockCache::find_or_build(CodePage& page, u64 offset) {
  if (Block* const known = page.entry[offset / 2]) return known;
  const Decoded decoded = decode_from(page.frame + offset);
  return decoded.insns.empty() ? nullptr : keep(page, lay_out(decoded, offset));
}

void BlockCache::set_straddling(CodePage& page, const Insn& insn) {
  if (const Block* const known = page.entry[kPageBytes / 2 - 1]) {
    if (known->insns[0] == insn) return;
    drop(*pages_.at(page.frame.value));  // all of it: other blocks may be linked to this one
  }
  keep(page, lay_out({.insns = {insn}, .length_bytes = insn.length}, kPageBytes - 2));
}

Block* BlockCache::keep(CodePage& page, std::unique_ptr<Storage> storage) {
  PageRecord& record = *pages_.at(page.frame.value);
  if (record.blocks.empty()) {
    ram_.set_has_code(page.frame, true);
    if (ram_.stored_fast(page.frame)) fast_.clear_stores_to(ram_.host(page.frame));
  }
  Block* const block = &storage->block;
  const u64 first = block->page_offset;
  const u64 end = std::min<u64>(first + block->length_bytes, kPageBytes);
  for (u64 at = first; at < end; at += 2) record.decoded.set(at / 2);
  held_bytes_ += storage->bytes;
  record.block_bytes += storage->bytes;
  record.blocks.push_back(std::move(storage));
  ++stats_.built;
  page.entry[first / 2] = block;
  return block;
}

BlockCache::Decoded BlockCache::decode_from(PhysAddr start) const {
  Decoded result;
  const u64 page_end = align_down(start.value, kPageBytes) + kPageBytes;
  const unsigned limit = static_cast<unsigned>(std::min<u64>(kMaxBlockBytes, page_end - start.value));
  const u64 offset = start.value & (kPageBytes - 1);
  while (result.insns.size() < kMaxBlockInsns && result.length_bytes + 2 <= limit) {
    if (result.length_bytes != 0 && stops_.test((offset + result.length_bytes) / 2)) break;
    const u8* at = ram_.host(start + result.length_bytes);
    u16 first;
    std::memcpy(&first, at, sizeof(first));
    const unsigned length = insn_length(first);
    if (result.length_bytes + length > limit) break;
    u32 raw = first;
    if (length == 4) std::memcpy(&raw, at, sizeof(raw));
    result.insns.push_back(isa_.decode(raw));
    result.length_bytes += length;
    if (ends_block(result.insns.back().op)) break;
  }
  return result;
}

namespace {

Cell make_cell(const Insn& insn, unsigned place, OpHandler handler) {
  Cell cell{.handler = handler,
            .rd = insn.rd,
            .rs1 = insn.rs1,
            .rs2 = insn.rs2,
            .place = static_cast<u8>(place | (insn.length == 2 ? 1 : 0)),
            .imm = insn.imm};
  if (has_rm(op_info(insn.op).format)) cell.imm = insn.rs3 | insn.rm << 8;
  return cell;
}

Cell marker(OpHandler handler, i32 imm) {
  return {.handler = handler, .rd = 0, .rs1 = 0, .rs2 = 0, .place = 0, .imm = imm};
}

}  // namespace

/// Jumps that may have to trap for their target (2.5) take the slow way; with the C extension none do.
OpHandler BlockCache::handler_of(const Insn& insn) const {
  const u64 rest = isa_.alignment_bytes() - 2;
  const bool is_direct = has_flag(insn.op, kBranch) || insn.op == Op::jal;
  const bool may_trap =
      rest != 0 && (insn.op == Op::jalr || (is_direct && (static_cast<u64>(insn.imm) & rest) != 0));
  if (may_trap) return handlers_.slow;
  const bool logs_accesses = logging_ == Logging::kAccesses || logging_ == Logging::kBoth;
  return (logs_accesses ? handlers_.op_logged : handlers_.op)[static_cast<unsigned>(insn.op)];
}

std::unique_ptr<BlockCache::Storage> BlockCache::lay_out(const Decoded& decoded, u64 offset) const {
  auto storage = std::make_unique<Storage>();
  storage->insns = decoded.insns;
  const unsigned count = static_cast<unsigned>(decoded.insns.size());
  const Insn& last = decoded.insns.back();
  const bool falls_through = !ends_block(last.op);
  const bool straddles = offset + decoded.length_bytes > kPageBytes;

  // Where it can go directly, as deltas from its start.
  i32 deltas[2];
  unsigned exit_count = 0;
  const i32 length = static_cast<i32>(decoded.length_bytes);
  if (has_flag(last.op, kBranch) || last.op == Op::jal) {
    deltas[exit_count++] = length - last.length + last.imm;
  }
  if (has_flag(last.op, kBranch) || falls_through) deltas[exit_count++] = length;

  const bool may_stop = stops_.test(offset / 2);
  const bool logs = logging_ != Logging::kOff;
  const unsigned cell_count =
      count + (may_stop ? 1 : 0) + (logs ? 1 : 0) + (straddles ? 1 : 0) + (falls_through ? 1 : 0);
  const usize code_bytes = cell_count * sizeof(Cell) + exit_count * sizeof(Exit);
  storage->code = std::make_unique<u8[]>(code_bytes);
  storage->bytes = sizeof(Storage) + count * sizeof(Insn) + code_bytes + kOverheadBytes;
  Cell* const entry = reinterpret_cast<Cell*>(storage->code.get());
  Cell* next = entry;
  if (may_stop) *next++ = marker(handlers_.stop, static_cast<i32>(count));
  if (logs) *next++ = marker(handlers_.log[static_cast<unsigned>(logging_)], static_cast<i32>(count));
  Cell* const cells = next;
  if (straddles) *next++ = marker(handlers_.straddle, static_cast<i32>(last.raw));
  unsigned place = 0;
  for (const Insn& insn : decoded.insns) {
    *next++ = make_cell(insn, place, handler_of(insn));
    place += insn.length;
  }
  if (falls_through) *next++ = marker(handlers_.fall_through, 0);

  Exit* const exits = reinterpret_cast<Exit*>(next);
  for (unsigned i = 0; i < exit_count; ++i) {
    const i64 target_offset = static_cast<i64>(offset) + deltas[i];
    // An instruction that straddles leaves the second of its pages held, so all its exits look.
    const bool same_page = !straddles && target_offset >= 0 && target_offset < static_cast<i64>(kPageBytes);
    exits[i] = Exit{.target = exits[i].as_cell(),
                    .pc_delta = deltas[i],
                    .count = 0,
                    .handler = same_page ? handlers_.link : handlers_.cross_page};
  }
  storage->block = Block{.entry = entry,
                         .cells = cells,
                         .insns = storage->insns.data(),
                         .count = static_cast<u16>(count),
                         .page_offset = static_cast<u16>(offset),
                         .length_bytes = static_cast<u16>(decoded.length_bytes)};
  return storage;
}

void BlockCache::link(Exit& exit, const Block& target) const {
  exit.count = target.count;
  exit.target = target.entry;
}

void BlockCache::set_stops(const StopOffsets& stops) {
  const StopOffsets changed = stops_ ^ stops;
  stops_ = stops;
  if (changed.none()) return;
  for (const auto& [frame, record] : pages_) {
    if ((record->decoded & changed).any()) drop(*record);
  }
}

void BlockCache::set_logging(Logging logging) {
  if (logging == logging_) return;
  logging_ = logging;
  for (const auto& [frame, record] : pages_) {
    if (!record->blocks.empty()) drop(*record);
  }
}

void BlockCache::ram_written(PhysAddr start, u64 count_bytes, Writer) {
  u64 at = start.value;
  const u64 end = start.value + count_bytes;
  while (at < end) {
    const u64 page_end = align_down(at, kPageBytes) + kPageBytes;
    const u64 stop = std::min(end, page_end);
    if (ram_.watched(PhysAddr(at))) written_in_page(PhysAddr(at), stop - at);
    at = stop;
  }
}

void BlockCache::written_in_page(PhysAddr start, u64 count_bytes) {
  const PhysAddr frame(align_down(start.value, kPageBytes));
  const auto found = pages_.find(frame.value);
  if (found == pages_.end()) return;  // watched for another reason than code
  PageRecord& record = *found->second;
  const u64 first = (start - frame) / 2;
  const u64 last = (start - frame + count_bytes - 1) / 2;
  for (u64 halfword = first; halfword <= last; ++halfword) {
    if (record.decoded.test(halfword)) {
      drop(record);
      return;
    }
  }
}

void BlockCache::drop(PageRecord& record) {
  stats_.dropped += record.blocks.size();
  std::move(record.blocks.begin(), record.blocks.end(), std::back_inserter(dropped_));
  dropped_bytes_ += std::exchange(record.block_bytes, 0);
  record.blocks.clear();
  record.decoded.reset();
  std::fill(std::begin(record.page.entry), std::end(record.page.entry), nullptr);
  ram_.set_has_code(record.page.frame, false);
}

bool BlockCache::collect() {
  dropped_.clear();
  held_bytes_ -= std::exchange(dropped_bytes_, 0);
  if (!full()) return false;
  for (const auto& [frame, record] : pages_) {
    stats_.dropped += record->blocks.size();
    ram_.set_has_code(PhysAddr(frame), false);
  }
  pages_.clear();
  held_bytes_ = 0;
  fast_.clear();  // the fetch entries lead to the pages
  return true;
}

}  // namespace quire
