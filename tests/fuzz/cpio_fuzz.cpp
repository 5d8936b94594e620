// Any tree of files: refused, or an archive that reads back as the same tree, for the supervisor too.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>
#include <map>

#include "emu/launch/guest_tree.h"
#include "guest/fs/cpio.h"
#include "quire/error.h"

namespace {

using quire::GuestTree;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// The format by its description, with nothing of the writer's code.
std::map<std::string, GuestTree::Entry> read_newc(const std::vector<std::uint8_t>& archive) {
  std::map<std::string, GuestTree::Entry> entries;
  const std::string bytes(archive.begin(), archive.end());
  for (std::size_t at = 0;;) {
    require(at + 110 <= bytes.size() && bytes.compare(at, 6, "070701") == 0);
    const auto field = [&](std::size_t index) {
      return std::strtoul(bytes.substr(at + 6 + 8 * index, 8).c_str(), nullptr, 16);
    };
    const std::size_t name_bytes = field(11);
    const std::size_t data = (at + 110 + name_bytes + 3) / 4 * 4;
    require(name_bytes > 0 && data + field(6) <= bytes.size() && bytes[at + 110 + name_bytes - 1] == '\0');
    const std::string name = bytes.substr(at + 110, name_bytes - 1);
    if (name == "TRAILER!!!") {
      return entries;
    }
    const std::string contents = bytes.substr(data, field(6));
    const bool is_new =
        entries
            .emplace(name == "." ? "/" : "/" + name, GuestTree::Entry{static_cast<std::uint32_t>(field(1)),
                                                                      {contents.begin(), contents.end()}})
            .second;
    require(is_new);
    at = (data + field(6) + 3) / 4 * 4;
  }
}

/// The same by the supervisor's reader.
std::map<std::string, GuestTree::Entry> read_as_supervisor(const std::vector<std::uint8_t>& archive) {
  std::map<std::string, GuestTree::Entry> entries;
  kernel::CpioReader reader(archive);
  while (true) {
    const auto entry = reader.next();
    require(entry.ok());
    if (!entry.value()) {
      return entries;
    }
    const kernel::CpioEntry& found = *entry.value();
    entries["/" + std::string(found.name)] = {found.mode, {found.data.begin(), found.data.end()}};
  }
}

void require_same(const GuestTree& tree, const std::map<std::string, GuestTree::Entry>& entries) {
  require(entries.size() == tree.entries().size());
  for (const auto& [path, entry] : tree.entries()) {
    const auto found = entries.find(path);
    require(found != entries.end() && found->second.mode == entry.mode && found->second.data == entry.data);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  GuestTree tree;
  while (input.remaining_bytes() > 0) {
    const std::string path = input.ConsumeRandomLengthString(64);
    const std::string text = input.ConsumeRandomLengthString(64);
    const unsigned kind = input.ConsumeIntegralInRange(0, 2);
    const auto permissions = input.ConsumeIntegral<std::uint16_t>();
    try {
      if (kind == 0) {
        tree.add_directory(path, permissions);
      } else if (kind == 1) {
        tree.add_file(path, {text.begin(), text.end()}, permissions);
      } else {
        tree.add_symlink(path, text);
      }
    } catch (const quire::Error& error) {
      require(error.kind() == quire::ErrorKind::kUsage);
    }
  }
  const auto archive = tree.to_cpio();
  require_same(tree, read_newc(archive));
  require_same(tree, read_as_supervisor(archive));
  return 0;
}
