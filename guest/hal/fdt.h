// Reader of flattened device trees (Devicetree Specification 0.4, chapter 5).
//
// The blob is foreign: `parse` checks the header and walks the whole structure block once, so that the
// nodes and properties handed out afterwards lie inside it. Nodes are offsets; nothing is allocated.
#pragma once

#include <optional>

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

struct PhysRange {
  u64 start = 0;
  u64 size_bytes = 0;

  u64 end() const { return start + size_bytes; }
};

class Fdt;

/// A node stays good as long as the blob.
class FdtNode {
 public:
  /// With the unit address: "memory@80000000".
  StringView name() const { return name_; }
  std::optional<FdtNode> first_child() const;
  std::optional<FdtNode> next_sibling() const;
  std::optional<ConstByteSpan> property(StringView name) const;
  std::optional<u64> number(StringView name) const;       ///< a property of one or two cells
  std::optional<StringView> text(StringView name) const;  ///< the first string of a property
  bool is_compatible(StringView name) const;
  /// Not switched off by its `status`.
  bool enabled() const;
  /// Pair `index` of `reg`, with the cell sizes of the parent; buses are taken to map 1:1.
  std::optional<PhysRange> reg(usize index = 0) const;

 private:
  friend class Fdt;
  FdtNode(const Fdt* fdt, usize offset, StringView name, u32 address_cells, u32 size_cells)
      : fdt_(fdt), offset_(offset), name_(name), address_cells_(address_cells), size_cells_(size_cells) {}
  std::optional<FdtNode> node_from(usize offset, u32 address_cells, u32 size_cells) const;

  const Fdt* fdt_;
  usize offset_;  // of the token after the name: the first property
  StringView name_;
  u32 address_cells_;  // of the parent: how this node's `reg` reads
  u32 size_cells_;
};

class Fdt {
 public:
  /// EINVAL for anything that is not a well-formed tree of version 17.
  static KResult<Fdt> parse(ConstByteSpan blob);
  /// The size that the header at `blob` claims, if the magic is right.
  static std::optional<usize> claimed_size(const void* blob);

  FdtNode root() const;
  usize size_bytes() const { return blob_.size(); }
  /// The node at an absolute path ("/chosen"); a component without unit address matches the first of that
  /// name.
  std::optional<FdtNode> find(StringView path) const;
  /// The next node after `after` (or the first), in the order of the file, that is compatible with `name`.
  std::optional<FdtNode> find_compatible(StringView name, std::optional<FdtNode> after = std::nullopt) const;
  /// Entry `index` of the memory reservation block.
  std::optional<PhysRange> reservation(usize index) const;

 private:
  friend class FdtNode;
  struct Token;
  std::optional<Token> token_at(usize offset) const;
  KResult<void> validate() const;

  ConstByteSpan blob_;
  ConstByteSpan structs_;
  ConstByteSpan strings_;
  ConstByteSpan reservations_;
};

}  // namespace kernel
