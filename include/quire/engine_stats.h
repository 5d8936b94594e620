// What the engine of a machine did, since it was made: of the host's doing, not of the guest's. No part of
// digests and snapshots.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace quire {

/// Instructions that translated code has done by a call, by what they are.
enum class CallKind : std::uint8_t { kLoad, kStore, kAtomic, kCsr, kFloat, kSystem, kOther };
inline constexpr const char* kCallKindNames[] = {"load",  "store",  "atomic", "csr",
                                                 "float", "system", "other"};
inline constexpr std::size_t kCallKinds = std::size(kCallKindNames);

/// Why blocks were dropped.
enum class DropReason : std::uint8_t {
  kWritten,  ///< their instructions were written to
  kData,     ///< their page is written to again and again
  kStop,     ///< there may now be a stop within them, or no more
  kRoom,     ///< the room for code was used up
  kRemade,   ///< found running, they are made anew for speed
};
inline constexpr const char* kDropReasonNames[] = {"written", "data", "stop", "room", "remade"};
inline constexpr std::size_t kDropReasons = std::size(kDropReasonNames);

struct EngineStats {
  std::string instead =
      {};  ///< why the interpreter runs though the translator might have; empty: it does not
  std::uint64_t blocks_built = 0;    ///< decoded or translated
  std::uint64_t blocks_dropped = 0;  ///< written to, or given up for room

  // Of the translator alone.
  std::uint64_t blocks_remade = 0;  ///< made anew for speed, as they were found running
  std::array<std::uint64_t, kDropReasons> dropped_by = {};  ///< `blocks_dropped` and `blocks_remade`
  std::uint64_t links = 0;  ///< jumps from block to block that were made direct
  std::uint64_t calls = 0;  ///< instructions that translated code had done by a call
  std::array<std::uint64_t, kCallKinds> calls_by = {};  ///< of `calls`
  std::uint64_t misses = 0;                             ///< jumps to pages that had to be looked up
  std::uint64_t cold_jumps = 0;    ///< to where there was no code yet, known directly or not
  std::uint64_t too_long = 0;      ///< blocks that would have run past the end of a slice
  std::uint64_t cold_insns = 0;    ///< done one by one, as their block had not run often enough
  std::uint64_t flushes = 0;       ///< times that all translated code was given up for room
  std::uint64_t code_bytes = 0;    ///< of host code there is
  std::uint64_t table_bytes = 0;   ///< of what leads to it: entries by page, call sites, links
  std::uint64_t run_ns = 0;        ///< host's time in the engine
  std::uint64_t translate_ns = 0;  ///< of `run_ns`: making code
  std::uint64_t outside_ns = 0;    ///< of `run_ns`: what is left to C++; of one entry in 61, times 61
};

/// Hands over each count with its name, in order. `Stats` is EngineStats, const or not.
template <class Stats, class Visit>
requires std::same_as<std::remove_const_t<Stats>, EngineStats>
void visit_counts(Stats& stats, Visit&& visit) {
  visit("blocks_built", stats.blocks_built);
  visit("blocks_dropped", stats.blocks_dropped);
  visit("blocks_remade", stats.blocks_remade);
  visit("links", stats.links);
  visit("calls", stats.calls);
  visit("misses", stats.misses);
  visit("cold_jumps", stats.cold_jumps);
  visit("too_long", stats.too_long);
  visit("cold_insns", stats.cold_insns);
  visit("flushes", stats.flushes);
  visit("code_bytes", stats.code_bytes);
  visit("table_bytes", stats.table_bytes);
  visit("run_ns", stats.run_ns);
  visit("translate_ns", stats.translate_ns);
  visit("outside_ns", stats.outside_ns);
}

/// Of an engine that was there before: what it did, but for the room that it took.
inline void add_counts(EngineStats& sum, const EngineStats& before) {
  std::vector<std::uint64_t> values;
  visit_counts(before, [&values](const char*, std::uint64_t value) { values.push_back(value); });
  std::size_t at = 0;
  visit_counts(sum, [&](std::string_view name, std::uint64_t& value) {
    const std::uint64_t more = values[at++];
    if (name != "code_bytes" && name != "table_bytes") value += more;
  });
  for (std::size_t i = 0; i < kDropReasons; ++i) sum.dropped_by[i] += before.dropped_by[i];
  for (std::size_t i = 0; i < kCallKinds; ++i) sum.calls_by[i] += before.calls_by[i];
}

}  // namespace quire
