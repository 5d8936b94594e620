// Foreign bytes go through libfdt's full check before anything reads them.
#include "emu/machine/device_tree_file.h"

#include <fmt/format.h>
extern "C" {
#include <libfdt.h>
}

#include <algorithm>
#include <utility>

#include "quire/error.h"

namespace quire {
namespace {

// From here on a node has its own name, not its whole path. dtc writes 17, which the Devicetree Specification
// v0.4 describes (5.2).
constexpr std::uint32_t kFirstUsualVersion = 16;
constexpr std::size_t kRoomForChosen = 512;  // a node, three names, two addresses

class TreeEditor {
 public:
  TreeEditor(std::span<const std::uint8_t> file, std::string name, std::size_t room)
      : name_(std::move(name)), buffer_(file.size() + room) {
    check_version(file);
    check_lengths(file);
    check(fdt_check_full(file.data(), file.size()));
    check(fdt_open_into(file.data(), buffer_.data(), static_cast<int>(buffer_.size())));
    chosen_ = fdt_path_offset(buffer_.data(), "/chosen");
    if (chosen_ == -FDT_ERR_NOTFOUND) {
      chosen_ = fdt_add_subnode(buffer_.data(), 0, "chosen");
    }
    check(chosen_);
  }

  void set_chosen(const char* property, const std::string& value) {
    check(fdt_setprop_string(buffer_.data(), chosen_, property, value.c_str()));
  }
  void set_chosen(const char* property, std::uint64_t value) {
    check(fdt_setprop_u64(buffer_.data(), chosen_, property, value));
  }

  std::vector<std::uint8_t> finish() {
    check(fdt_pack(buffer_.data()));
    buffer_.resize(fdt_totalsize(buffer_.data()));
    return std::move(buffer_);
  }

 private:
  /// libfdt 1.6.1 reads through a null pointer when it checks a tree of an older format.
  void check_version(std::span<const std::uint8_t> file) const {
    if (file.size() >= sizeof(fdt_header) && fdt_magic(file.data()) == FDT_MAGIC &&
        fdt_version(file.data()) < kFirstUsualVersion) {
      throw Error(ErrorKind::kFile,
                  fmt::format("{}: a flattened device tree of format {}, from before {}; dtc converts it",
                              name_, fdt_version(file.data()), kFirstUsualVersion));
    }
  }
  /// Before libfdt walks it: with a length that is negative as an int, fdt_next_tag of libfdt 1.6.1 goes
  /// back, for ever if it must. What else is wrong is fdt_check_full's to say.
  void check_lengths(std::span<const std::uint8_t> file) const {
    constexpr std::size_t kTagBytes = 4;
    constexpr std::size_t kPropertyBytes = 8;  // length, place of the name
    if (file.size() < sizeof(fdt_header)) {
      return;
    }
    const auto word = [&](std::size_t at) { return fdt32_ld(reinterpret_cast<const fdt32_t*>(&file[at])); };
    // Devicetree Specification 0.4, 5.1: the structure block is aligned to 4 bytes.
    if (fdt_off_dt_struct(file.data()) % kTagBytes != 0) {
      check(-FDT_ERR_BADSTRUCTURE);
    }
    for (std::size_t at = fdt_off_dt_struct(file.data()); at + kTagBytes + kPropertyBytes <= file.size();) {
      const std::uint32_t tag = word(at);
      at += kTagBytes;
      if (tag == FDT_BEGIN_NODE) {
        const auto name = file.subspan(at);
        at += static_cast<std::size_t>(std::find(name.begin(), name.end(), 0) - name.begin()) + 1;
      } else if (tag == FDT_PROP) {
        const std::uint32_t length = word(at);
        at += kPropertyBytes;
        if (length > file.size() - at) {
          check(-FDT_ERR_BADSTRUCTURE);
        }
        at += length;
      } else if (tag != FDT_END_NODE && tag != FDT_NOP) {
        return;
      }
      at = (at + kTagBytes - 1) & ~(kTagBytes - 1);
    }
  }
  void check(int result) const {
    if (result < 0) {
      throw Error(ErrorKind::kFile,
                  fmt::format("{}: not a sound flattened device tree ({}); dtc makes one from source", name_,
                              fdt_strerror(result)));
    }
  }

  const std::string name_;
  std::vector<std::uint8_t> buffer_;
  int chosen_ = 0;
};

}  // namespace

std::vector<std::uint8_t> complete_device_tree(std::span<const std::uint8_t> file, const std::string& name,
                                               const DeviceTreeInputs& inputs) {
  TreeEditor tree(file, name.empty() ? "device tree" : name, kRoomForChosen + inputs.command_line.size());
  if (!inputs.command_line.empty()) {
    tree.set_chosen("bootargs", inputs.command_line);
  }
  if (inputs.initrd) {
    tree.set_chosen("linux,initrd-start", inputs.initrd->start);
    tree.set_chosen("linux,initrd-end", inputs.initrd->end);
  }
  return tree.finish();
}

}  // namespace quire
