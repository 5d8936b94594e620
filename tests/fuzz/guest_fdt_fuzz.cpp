// Any bytes as a device tree for the supervisor's reader; libfdt says what a tree holds.
//
// What the reader hands out lies inside the blob, whatever is asked. Where libfdt accepts a blob too, both
// see the same nodes with the same properties.
#include <libfdt.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "guest/hal/fdt.h"

namespace {

using namespace kernel;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

bool within(ConstByteSpan part, ConstByteSpan whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

constexpr StringView kProperties[] = {"compatible",  "reg",      "#address-cells", "#size-cells",
                                      "status",      "bootargs", "rng-seed",       "interrupts",
                                      "device_type", "model",    "no-map",         "linux,initrd-start"};

/// Nodes in the order of the file, parents before children.
void list_nodes(ConstByteSpan blob, const FdtNode& node, std::vector<FdtNode>& out) {
  require(within(as_bytes(node.name()), blob));
  out.push_back(node);
  for (auto child = node.first_child(); child; child = child->next_sibling()) {
    list_nodes(blob, *child, out);
  }
}

void question(ConstByteSpan blob, const FdtNode& node) {
  for (const StringView name : kProperties) {
    if (const auto value = node.property(name)) {
      require(within(*value, blob));
      const auto text = node.text(name);
      require(!text || within(as_bytes(*text), blob));
      require(node.number(name).has_value() == (value->size() == 4 || value->size() == 8));
    }
  }
  node.enabled();
  for (usize i = 0; const auto range = node.reg(i); ++i) {
    require(range->end() >= range->start);
    require(i <= blob.size());
  }
}

/// Nodes and properties by libfdt's account.
void compare_with_libfdt(const std::vector<FdtNode>& nodes, ConstByteSpan blob) {
  const void* const tree = blob.data();
  usize index = 0;
  for (int offset = fdt_next_node(tree, -1, nullptr); offset >= 0;
       offset = fdt_next_node(tree, offset, nullptr)) {
    int length = 0;
    const char* name = fdt_get_name(tree, offset, &length);
    require(index < nodes.size() && name != nullptr);
    require(nodes[index].name() == StringView(name, static_cast<usize>(length)));
    for (const StringView wanted : kProperties) {
      const void* value = fdt_getprop(tree, offset, std::string(wanted).c_str(), &length);
      const auto found = nodes[index].property(wanted);
      require(found.has_value() == (value != nullptr));
      if (found) {
        require(found->data() == value && found->size() == static_cast<usize>(length));
      }
    }
    ++index;
  }
  require(index == nodes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, std::size_t size) {
  const ConstByteSpan blob(data, size);
  const auto parsed = Fdt::parse(blob);
  if (!parsed.ok()) {
    require(parsed.error() == Errno::kEINVAL);
    return 0;
  }
  const Fdt& tree = parsed.value();
  std::vector<FdtNode> nodes;
  list_nodes(blob, tree.root(), nodes);
  for (const FdtNode& node : nodes) {
    question(blob, node);
  }
  for (usize i = 0; tree.reservation(i); ++i) {
    require(i <= size / 16);
  }
  tree.find("/chosen");
  tree.find("/cpus/cpu@0");
  tree.find("//soc//");
  usize found = 0;
  for (auto node = tree.find_compatible("virtio,mmio"); node;
       node = tree.find_compatible("virtio,mmio", node)) {
    require(++found <= nodes.size());
  }
  // libfdt reads the tree in place, words aligned.
  std::vector<u64> aligned(size / 8 + 1);
  std::copy(blob.begin(), blob.end(), reinterpret_cast<u8*>(aligned.data()));
  if (fdt_check_full(aligned.data(), size) == 0) {
    const ConstByteSpan copy(reinterpret_cast<const u8*>(aligned.data()), size);
    const auto again = Fdt::parse(copy);
    require(again.ok());
    nodes.clear();
    list_nodes(copy, again.value().root(), nodes);
    compare_with_libfdt(nodes, copy);
  }
  return 0;
}
