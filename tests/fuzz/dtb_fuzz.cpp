// Any bytes as --dtb: refused in one line, or completed, and then all but /chosen is as it was.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "emu/machine/device_tree_file.h"
#include "quire/error.h"
extern "C" {
#include <libfdt.h>
}

namespace {

using namespace quire;
using Bytes = std::vector<std::uint8_t>;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

struct Property {
  std::string name;
  Bytes value;
  bool operator==(const Property&) const = default;
};

struct Node {
  std::string name;
  int depth;
  std::vector<Property> properties;
  bool operator==(const Node&) const = default;
};

std::vector<Property> properties_of(const void* tree, int node) {
  std::vector<Property> out;
  int offset = 0;
  fdt_for_each_property_offset(offset, tree, node) {
    int length = 0;
    const char* name = nullptr;
    const void* value = fdt_getprop_by_offset(tree, offset, &name, &length);
    require(value != nullptr);
    const auto* bytes = static_cast<const std::uint8_t*>(value);
    out.push_back({name, Bytes(bytes, bytes + length)});
  }
  return out;
}

/// All nodes but the first /chosen (though not what is under it), and that node by itself.
std::vector<Node> nodes_of(const void* tree, Node& chosen) {
  const int chosen_at = fdt_path_offset(tree, "/chosen");
  std::vector<Node> out;
  int depth = -1;
  for (int node = fdt_next_node(tree, -1, &depth); node >= 0 && depth >= 0;
       node = fdt_next_node(tree, node, &depth)) {
    Node found{fdt_get_name(tree, node, nullptr), depth, properties_of(tree, node)};
    if (node == chosen_at) {
      chosen = std::move(found);
    } else {
      out.push_back(std::move(found));
    }
  }
  return out;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> reservations_of(const void* tree) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> out(static_cast<std::size_t>(fdt_num_mem_rsv(tree)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    require(fdt_get_mem_rsv(tree, static_cast<int>(i), &out[i].first, &out[i].second) == 0);
  }
  return out;
}

Bytes big_endian(std::uint64_t value) {
  const fdt64_t stored = cpu_to_fdt64(value);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&stored);
  return Bytes(bytes, bytes + sizeof stored);
}

void require_property(const Node& node, const std::string& name, const Bytes& value) {
  for (const Property& property : node.properties) {
    if (property.name == name) {
      require(property.value == value);
      return;
    }
  }
  require(false);
}

void check(const Bytes& before, const Bytes& after, const DeviceTreeInputs& inputs) {
  require(fdt_check_full(after.data(), after.size()) == 0 && fdt_totalsize(after.data()) == after.size());
  Node chosen_before;
  Node chosen;
  require(nodes_of(before.data(), chosen_before) == nodes_of(after.data(), chosen));
  require(reservations_of(before.data()) == reservations_of(after.data()));
  require(fdt_boot_cpuid_phys(before.data()) == fdt_boot_cpuid_phys(after.data()));
  if (!inputs.command_line.empty()) {
    const std::string& line = inputs.command_line;
    require_property(chosen, "bootargs", Bytes(line.c_str(), line.c_str() + line.size() + 1));
  }
  if (inputs.initrd) {
    require_property(chosen, "linux,initrd-start", big_endian(inputs.initrd->start));
    require_property(chosen, "linux,initrd-end", big_endian(inputs.initrd->end));
  }
}

}  // namespace

/// The last byte chooses what is completed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t choice = size == 0 ? 0 : data[size - 1];
  const Bytes file(data, data + size - (size != 0));
  DeviceTreeInputs inputs{.ram_bytes = 16 << 20,
                          .command_line = std::string(choice % 4 * 40, 'x'),
                          .initrd = {},
                          .seed = 0,
                          .virtio_slots = 0};
  if (choice & 4) {
    inputs.initrd = InitrdRange{0x8800'0000, 0x8810'0000};
  }
  try {
    check(file, complete_device_tree(file, "tree.dtb", inputs), inputs);
  } catch (const Error& error) {
    const std::string_view text = error.what();
    require(error.kind() == ErrorKind::kFile && text.starts_with("tree.dtb: ") &&
            text.find('\n') == std::string_view::npos);
  }
  return 0;
}
