#include "guest/hal/fdt.h"

#include "guest/lib/byte_reader.h"

namespace kernel {

namespace {

constexpr u32 kMagic = 0xd00d'feed;
constexpr u32 kVersion = 17;
constexpr u32 kBeginNode = 1;
constexpr u32 kEndNode = 2;
constexpr u32 kProperty = 3;
constexpr u32 kNop = 4;
constexpr u32 kEnd = 9;
constexpr u32 kDefaultAddressCells = 2;  // 2.3.5
constexpr u32 kDefaultSizeCells = 1;
constexpr usize kMaxDepth = 64;
constexpr usize kReservationBytes = 16;

u64 cells_at(ConstByteSpan bytes, usize first_cell, u32 count) {
  u64 value = 0;
  for (usize i = first_cell; i < first_cell + count; i++) {
    value = (value << 32) | load_be32(&bytes[i * 4]);
  }
  return value;
}

KResult<ConstByteSpan> part(ConstByteSpan blob, u32 offset, u32 size) {
  if (offset > blob.size() || size > blob.size() - offset) {
    return Err(Errno::kEINVAL);
  }
  return blob.subspan(offset, size);
}

/// Whether a list of NUL-terminated strings has `name`.
bool lists_string(ConstByteSpan value, StringView name) {
  StringView list = as_text(value);
  while (!list.empty()) {
    const StringView entry = list.substr(0, list.find('\0'));
    if (entry == name) {
      return true;
    }
    list.remove_prefix(entry.size() < list.size() ? entry.size() + 1 : entry.size());
  }
  return false;
}

bool same_node_name(StringView name, StringView wanted) {
  return name == wanted || (wanted.find('@') == StringView::npos && name.size() > wanted.size() &&
                            name.starts_with(wanted) && name[wanted.size()] == '@');
}

}  // namespace

/// One token of the structure block with what belongs to it, and where the next one starts.
struct Fdt::Token {
  u32 kind;
  StringView name;      // of a node or property
  ConstByteSpan value;  // of a property
  usize next;
};

std::optional<usize> Fdt::claimed_size(const void* blob) {
  const u8* const header = static_cast<const u8*>(blob);
  return load_be32(header) == kMagic ? std::optional<usize>(load_be32(header + 4)) : std::nullopt;
}

KResult<Fdt> Fdt::parse(ConstByteSpan blob) {
  ByteReader header(blob);
  if (TRY(header.read_be32()) != kMagic) {
    return Err(Errno::kEINVAL);
  }
  const u32 total_size = TRY(header.read_be32());
  const u32 structs_offset = TRY(header.read_be32());
  const u32 strings_offset = TRY(header.read_be32());
  const u32 reservations_offset = TRY(header.read_be32());
  const u32 version = TRY(header.read_be32());
  const u32 last_compatible = TRY(header.read_be32());
  TRY(header.skip(4));  // boot CPU
  const u32 strings_size = TRY(header.read_be32());
  const u32 structs_size = TRY(header.read_be32());
  if (version < kVersion || last_compatible > kVersion || total_size > blob.size() ||
      !is_aligned(structs_offset, 4) || reservations_offset > total_size) {
    return Err(Errno::kEINVAL);
  }
  Fdt fdt;
  fdt.blob_ = blob.first(total_size);
  fdt.structs_ = TRY(part(fdt.blob_, structs_offset, structs_size));
  fdt.strings_ = TRY(part(fdt.blob_, strings_offset, strings_size));
  fdt.reservations_ = fdt.blob_.subspan(reservations_offset);
  TRY(fdt.validate());
  return fdt;
}

std::optional<Fdt::Token> Fdt::token_at(usize offset) const {
  ByteReader reader(structs_);
  if (!reader.seek(offset).ok()) {
    return std::nullopt;
  }
  const auto read = [&]() -> KResult<Token> {
    Token token{TRY(reader.read_be32()), {}, {}, 0};
    if (token.kind == kBeginNode) {
      token.name = TRY(reader.read_c_string());
    } else if (token.kind == kProperty) {
      const u32 length = TRY(reader.read_be32());
      const u32 name_offset = TRY(reader.read_be32());
      token.value = TRY(reader.take(length));
      ByteReader names(strings_);
      TRY(names.seek(name_offset));
      token.name = TRY(names.read_c_string());
    } else if (token.kind != kEndNode && token.kind != kNop && token.kind != kEnd) {
      return Err(Errno::kEINVAL);
    }
    TRY(reader.align(4));
    token.next = reader.position();
    return token;
  };
  auto token = read();
  return token.ok() ? std::optional(token.value()) : std::nullopt;
}

/// One root, ends that match, no property behind a child (5.4.2), kEnd last.
KResult<void> Fdt::validate() const {
  usize depth = 0;
  usize offset = 0;
  bool properties_allowed = false;
  bool seen_root = false;
  for (;;) {
    const auto token = token_at(offset);
    if (!token) {
      return Err(Errno::kEINVAL);
    }
    offset = token->next;
    switch (token->kind) {
      case kBeginNode:
        if ((depth == 0 && seen_root) || depth == kMaxDepth) {
          return Err(Errno::kEINVAL);
        }
        seen_root = true;
        properties_allowed = true;
        depth++;
        break;
      case kEndNode:
        if (depth == 0) {
          return Err(Errno::kEINVAL);
        }
        properties_allowed = false;
        depth--;
        break;
      case kProperty:
        if (!properties_allowed) {
          return Err(Errno::kEINVAL);
        }
        break;
      case kEnd:
        return depth == 0 && seen_root ? KResult<void>() : KResult<void>(Err(Errno::kEINVAL));
      default:
        break;
    }
  }
}

std::optional<PhysRange> Fdt::reservation(usize index) const {
  if (index >= reservations_.size() / kReservationBytes) {
    return std::nullopt;
  }
  // A pair of zeroes ends the block (5.3.2).
  for (usize i = 0; i <= index; i++) {
    const ConstByteSpan entry = reservations_.subspan(i * kReservationBytes, kReservationBytes);
    const PhysRange range{cells_at(entry, 0, 2), cells_at(entry, 2, 2)};
    if (range.start == 0 && range.size_bytes == 0) {
      return std::nullopt;
    }
    if (i == index) {
      return range;
    }
  }
  return std::nullopt;
}

FdtNode Fdt::root() const {
  usize offset = 0;
  auto token = token_at(offset);
  while (token && token->kind == kNop) {
    token = token_at(token->next);
  }
  return {this, token ? token->next : structs_.size(), token ? token->name : StringView(),
          kDefaultAddressCells, kDefaultSizeCells};
}

std::optional<FdtNode> Fdt::find(StringView path) const {
  FdtNode node = root();
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const StringView component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    auto child = node.first_child();
    while (child && !same_node_name(child->name(), component)) {
      child = child->next_sibling();
    }
    if (!child) {
      return std::nullopt;
    }
    node = *child;
  }
  return node;
}

std::optional<FdtNode> Fdt::find_compatible(StringView name, std::optional<FdtNode> after) const {
  // One pass over the tokens. `cells[d]` is how `reg` reads in the children of the node at depth d.
  struct Cells {
    u32 address = kDefaultAddressCells;
    u32 size = kDefaultSizeCells;
  };
  Cells cells[kMaxDepth + 1];
  usize depth = 0;
  usize offset = 0;
  FdtNode node = root();
  for (auto token = token_at(0); token && token->kind != kEnd; token = token_at(offset)) {
    offset = token->next;
    if (token->kind == kBeginNode) {
      node = FdtNode(this, offset, token->name, cells[depth].address, cells[depth].size);
      cells[++depth] = {};
    } else if (token->kind == kEndNode) {
      depth--;
    } else if (token->kind == kProperty) {
      if (token->name == "compatible") {
        if ((!after || node.offset_ > after->offset_) && lists_string(token->value, name)) {
          return node;
        }
      } else if (token->name == "#address-cells" && token->value.size() == 4) {
        cells[depth].address = static_cast<u32>(cells_at(token->value, 0, 1));
      } else if (token->name == "#size-cells" && token->value.size() == 4) {
        cells[depth].size = static_cast<u32>(cells_at(token->value, 0, 1));
      }
    }
  }
  return std::nullopt;
}

std::optional<FdtNode> FdtNode::node_from(usize offset, u32 address_cells, u32 size_cells) const {
  for (auto token = fdt_->token_at(offset); token; token = fdt_->token_at(token->next)) {
    if (token->kind == kBeginNode) {
      return FdtNode(fdt_, token->next, token->name, address_cells, size_cells);
    }
    if (token->kind != kNop) {
      break;
    }
  }
  return std::nullopt;
}

std::optional<FdtNode> FdtNode::first_child() const {
  u32 address_cells = kDefaultAddressCells;
  u32 size_cells = kDefaultSizeCells;
  usize offset = offset_;
  for (auto token = fdt_->token_at(offset); token; token = fdt_->token_at(offset)) {
    if (token->kind == kProperty && token->value.size() == 4) {
      if (token->name == "#address-cells") {
        address_cells = static_cast<u32>(cells_at(token->value, 0, 1));
      } else if (token->name == "#size-cells") {
        size_cells = static_cast<u32>(cells_at(token->value, 0, 1));
      }
    }
    if (token->kind != kProperty && token->kind != kNop) {
      break;
    }
    offset = token->next;
  }
  return node_from(offset, address_cells, size_cells);
}

std::optional<FdtNode> FdtNode::next_sibling() const {
  usize depth = 1;
  for (auto token = fdt_->token_at(offset_); token; token = fdt_->token_at(token->next)) {
    if (token->kind == kBeginNode) {
      depth++;
    } else if (token->kind == kEndNode && --depth == 0) {
      return node_from(token->next, address_cells_, size_cells_);
    }
  }
  return std::nullopt;
}

std::optional<ConstByteSpan> FdtNode::property(StringView name) const {
  for (auto token = fdt_->token_at(offset_); token; token = fdt_->token_at(token->next)) {
    if (token->kind == kProperty && token->name == name) {
      return token->value;
    }
    if (token->kind != kProperty && token->kind != kNop) {
      break;
    }
  }
  return std::nullopt;
}

std::optional<u64> FdtNode::number(StringView name) const {
  const auto value = property(name);
  if (!value || (value->size() != 4 && value->size() != 8)) {
    return std::nullopt;
  }
  return cells_at(*value, 0, static_cast<u32>(value->size() / 4));
}

std::optional<StringView> FdtNode::text(StringView name) const {
  const auto value = property(name);
  if (!value) {
    return std::nullopt;
  }
  const StringView whole = as_text(*value);
  const usize end = whole.find('\0');
  return end == StringView::npos ? std::nullopt : std::optional(whole.substr(0, end));
}

bool FdtNode::is_compatible(StringView name) const {
  const auto value = property("compatible");
  if (!value) {
    return false;
  }
  return lists_string(*value, name);
}

bool FdtNode::enabled() const {
  const auto status = text("status");
  return !status || *status == "okay" || *status == "ok";
}

std::optional<PhysRange> FdtNode::reg(usize index) const {
  const auto value = property("reg");
  if (!value || address_cells_ < 1 || address_cells_ > 2 || size_cells_ > 2) {
    return std::nullopt;
  }
  const usize cells = address_cells_ + size_cells_;
  if (index >= value->size() / (cells * 4)) {
    return std::nullopt;
  }
  const PhysRange range{cells_at(*value, index * cells, address_cells_),
                        cells_at(*value, index * cells + address_cells_, size_cells_)};
  return range.end() < range.start ? std::nullopt : std::optional(range);
}

}  // namespace kernel
