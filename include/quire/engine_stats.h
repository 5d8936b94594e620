// What the engine of a machine did, since the machine was made: of the host's doing, not of the guest's. No
// part of digests and snapshots.
#pragma once

#include <cstdint>
#include <string>

namespace quire {

struct EngineStats {
  std::string instead =
      {};  ///< why the interpreter runs though the translator might have; empty: it does not
  std::uint64_t blocks_built = 0;    ///< decoded or translated
  std::uint64_t blocks_dropped = 0;  ///< written to, or given up for room

  // Of the translator alone.
  std::uint64_t blocks_remade = 0;  ///< made anew for speed, as they were found running
  std::uint64_t links = 0;        ///< jumps from block to block that were made direct
  std::uint64_t calls = 0;        ///< instructions that translated code had done by a call
  std::uint64_t misses = 0;       ///< jumps to pages that had to be looked up
  std::uint64_t cold_insns = 0;   ///< done one by one, as their block had not run often enough
  std::uint64_t flushes = 0;      ///< times that all translated code was given up for room
  std::uint64_t code_bytes = 0;   ///< of host code there is
  std::uint64_t table_bytes = 0;  ///< of what leads to it: entries by page, call sites, links
};

}  // namespace quire
