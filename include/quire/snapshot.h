// Snapshot: everything of a machine at one moment, to go back to, to compare and to keep in a file.
//
// Immutable, and safe to share between threads. RAM is held by pages that snapshots share, so one costs what
// has changed since the one before. Invariant: a machine restored from it cannot be told from the one it was
// taken of; what lies outside a machine is not in it (files of the host that a guest wrote, output on a
// terminal).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace quire {

/// Bytes of RAM that differ between two snapshots, within one page.
struct MemoryDifference {
  std::uint64_t address;  ///< physical, of the first byte that differs
  std::uint64_t bytes;    ///< to the last one
  std::uint64_t changed;  ///< of them, how many differ
};

/// A register or counter that differs.
struct ValueDifference {
  std::string name;
  std::uint64_t before, after;
};

struct SnapshotDiff {
  std::vector<ValueDifference> values;
  std::vector<MemoryDifference> memory;
  std::vector<std::string> parts;  ///< other parts of the machine (devices, streams) whose state differs
  bool empty() const { return values.empty() && memory.empty() && parts.empty(); }
};

class Snapshot {
 public:
  class Impl;
  explicit Snapshot(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  std::uint64_t icount() const;
  std::uint64_t time_ns() const;
  std::uint64_t pc() const;
  std::uint64_t ram_bytes() const;
  /// Pages of RAM that are not all zero.
  std::uint64_t pages() const;
  /// What Machine::digest() gave at this moment.
  std::uint64_t digest() const;
  /// Whether both hold the same, to the last bit; cheaper than digests where pages are shared.
  bool same(const Snapshot& other) const;
  /// From this one to `other`. Error(kUsage) when they are of machines with different RAM.
  SnapshotDiff diff(const Snapshot& other) const;

  /// Writes a file (zstd with checksum, versioned), as a whole or not at all. Error(kFile) names it.
  void save(const std::string& path) const;
  /// Error(kFile) for what is missing, truncated, damaged, or of another version of the format.
  static Snapshot load(const std::string& path);

  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace quire
