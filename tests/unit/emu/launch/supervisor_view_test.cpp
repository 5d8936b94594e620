// The supervisor's objects, built by hand in a piece of RAM by a description of our own making: what a reader
// sees of them whole, half changed, and damaged. The supervisor itself is read in
// tests/python/test_introspection.py.
#include "quire/supervisor_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "quire/arch/description.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr std::uint64_t kBase = 0x8000'0000;
constexpr std::uint64_t kLinear = 0xffff'ffc0'0000'0000;
constexpr std::uint64_t kPage = 4096;

class FakeRam : public MemoryView {
 public:
  std::uint64_t base() const override { return kBase; }
  std::uint64_t size_bytes() const override { return data_.size(); }
  void read(std::uint64_t address, std::span<std::uint8_t> out) const override {
    std::memcpy(out.data(), data_.data() + (address - kBase), out.size());
  }
  void write(std::uint64_t address, std::span<const std::uint8_t> data) override {
    std::memcpy(data_.data() + (address - kBase), data.data(), data.size());
  }
  std::span<const std::uint8_t> bytes() const override { return data_; }

  template <class T>
  void put(std::uint64_t address, const T& value) {
    write(address, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }

 private:
  std::vector<std::uint8_t> data_ = std::vector<std::uint8_t>(64 * kPage);
};

/// Fields of a type follow each other, in the order of the table: no real supervisor's layout.
class FakeSupervisor {
 public:
  FakeSupervisor() {
    std::map<std::string, std::uint64_t> next;
#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes)                             \
  entries_.push_back(entry(#name, arch::DescribedKind::kField, bytes, next[#type])); \
  next[#type] += 32;
#define QUIRE_DESCRIBED_VALUE(name, constant) \
  entries_.push_back(entry(#name, arch::DescribedKind::kValue, 0, ++value_));
#define QUIRE_DESCRIBED_ROOT(name) entries_.push_back(entry(#name, arch::DescribedKind::kRoot, 0, 0));
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
    // A process, number 7, with an address space of no areas.
    tree_ = make();
    process_ = make();
    space_ = make();
    set(tree_, "tree_node_parent", process_ + offset("process_node") + 1);  // black
    set(process_, "process_pid", 7);
    set(process_, "process_space", space_);
    set(process_, "process_tasks", process_ + offset("process_tasks"));
    root("processes", tree_);
  }

  static arch::DescriptionEntry entry(const char* name, arch::DescribedKind kind, unsigned bytes,
                                      std::uint64_t value) {
    arch::DescriptionEntry made{};
    std::strncpy(made.name, name, sizeof made.name - 1);
    made.kind = kind;
    made.bytes = bytes;
    made.value = value;
    return made;
  }
  arch::DescriptionEntry& find(const std::string& name) {
    for (auto& one : entries_) {
      if (name == one.name) return one;
    }
    ADD_FAILURE() << name;
    return entries_[0];
  }
  std::uint64_t offset(const std::string& name) { return find(name).value; }
  void root(const std::string& name, std::uint64_t value) { find(name).value = value; }
  std::uint64_t make() { return kLinear + kBase + (used_ += kPage); }
  void set(std::uint64_t object, const std::string& field, std::uint64_t value) {
    ram.put(object + offset(field) - kLinear, value);
  }
  /// A range's place in the tree, from the pointer to its Vma.
  std::uint64_t node(std::uint64_t vma) {
    return vma + offset("vma_start") - offset("range_start") + offset("range_node");
  }
  std::uint64_t make_vma(std::uint64_t start, std::uint64_t end) {
    const std::uint64_t vma = make() + kPage / 2;
    set(vma, "vma_start", start);
    set(vma, "vma_end", end);
    ++areas_;
    set(space_, "space_vma_count", areas_);
    return vma;
  }
  void link(std::uint64_t parent, const std::string& side, std::uint64_t vma) {
    set(parent + offset("vma_start") - offset("range_start"), side, node(vma));
  }
  SupervisorView view() {
    header.entry_count = static_cast<arch::u32>(entries_.size());
    ram.put(kBase, header);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      ram.put(kBase + header.header_bytes + i * std::min<std::uint64_t>(header.entry_bytes, 64), entries_[i]);
    }
    return SupervisorView(ram, kBase);
  }
  MemoryAreas areas() { return view().areas(7).value(); }

  FakeRam ram;
  arch::DescriptionHeader header{.magic = arch::kDescriptionMagic,
                                 .version = arch::kDescriptionVersion,
                                 .header_bytes = sizeof(arch::DescriptionHeader),
                                 .entry_bytes = sizeof(arch::DescriptionEntry),
                                 .entry_count = 0,
                                 .linear_map_base = kLinear};
  std::vector<arch::DescriptionEntry> entries_;
  std::uint64_t tree_, process_, space_;

 private:
  std::uint64_t used_ = 4 * kPage;  // the description comes before
  std::uint64_t areas_ = 0;
  std::uint64_t value_ = 0;
};

std::string refusal(FakeSupervisor& supervisor) {
  try {
    (void)supervisor.view();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

TEST(SupervisorView, AnEmptySpaceHasNoAreas) {
  FakeSupervisor supervisor;
  const MemoryAreas found = supervisor.areas();
  EXPECT_TRUE(found.areas.empty());
  EXPECT_EQ(found.trouble, "");
  EXPECT_FALSE(found.locked);
  EXPECT_EQ(supervisor.view().areas(8), std::nullopt);
}

TEST(SupervisorView, AreasComeInOrderOfAddresses) {
  FakeSupervisor supervisor;
  const auto middle = supervisor.make_vma(0x5000, 0x7000);
  const auto below = supervisor.make_vma(0x1000, 0x2000);
  const auto above = supervisor.make_vma(0x7000, 0x8000);
  supervisor.set(supervisor.space_, "space_vmas", supervisor.node(middle));
  supervisor.link(middle, "range_left", below);
  supervisor.link(middle, "range_right", above);
  supervisor.set(supervisor.space_, "space_lock_owner", 0x1234);
  const MemoryAreas found = supervisor.areas();
  ASSERT_EQ(found.areas.size(), 3U);
  EXPECT_EQ(found.areas[0].start, 0x1000U);
  EXPECT_EQ(found.areas[1].end, 0x7000U);
  EXPECT_EQ(found.areas[2].start, 0x7000U);
  EXPECT_EQ(found.trouble, "");
  EXPECT_TRUE(found.locked);
}

TEST(SupervisorView, AnAreaThatIsNotLinkedYetIsMissed) {
  FakeSupervisor supervisor;
  const auto one = supervisor.make_vma(0x5000, 0x7000);
  (void)supervisor.make_vma(0x8000, 0x9000);
  supervisor.set(supervisor.space_, "space_vmas", supervisor.node(one));
  const MemoryAreas found = supervisor.areas();
  EXPECT_EQ(found.areas.size(), 1U);
  EXPECT_NE(found.trouble.find("1 areas can be reached, and the supervisor counts 2"), std::string::npos);
}

TEST(SupervisorView, ATreeThatContainsItselfEnds) {
  for (const char* side : {"range_left", "range_right"}) {
    FakeSupervisor supervisor;
    const auto one = supervisor.make_vma(0x5000, 0x7000);
    supervisor.set(supervisor.space_, "space_vmas", supervisor.node(one));
    supervisor.link(one, side, one);
    EXPECT_NE(supervisor.areas().trouble, "") << side;
  }
}

TEST(SupervisorView, PointersOutOfRamAreNotFollowed) {
  for (const std::uint64_t pointer :
       {std::uint64_t{8}, kLinear, kLinear + kBase + 64 * kPage - 4, ~std::uint64_t{0}}) {
    FakeSupervisor supervisor;
    supervisor.set(supervisor.space_, "space_vmas", pointer);
    EXPECT_NE(supervisor.areas().trouble, "") << pointer;
    FakeSupervisor other;
    other.set(other.process_, "process_space", pointer);
    EXPECT_NE(other.areas().trouble, "") << pointer;
  }
}

TEST(SupervisorView, BoundsThatCannotBeAreSaid) {
  struct Bounds {
    std::uint64_t start, end;
  };
  for (const Bounds bounds :
       {Bounds{0x2000, 0x2000}, {0x3000, 0x2000}, {0x1001, 0x3000}, {0x1000, ~std::uint64_t{0xfff}}}) {
    FakeSupervisor supervisor;
    const auto one = supervisor.make_vma(bounds.start, bounds.end);
    supervisor.set(supervisor.space_, "space_vmas", supervisor.node(one));
    EXPECT_NE(supervisor.areas().trouble.find("impossible bounds"), std::string::npos) << bounds.start;
  }
}

TEST(SupervisorView, AFileThatIsNoneLeavesTheArea) {
  FakeSupervisor supervisor;
  const auto one = supervisor.make_vma(0x1000, 0x2000);
  supervisor.set(supervisor.space_, "space_vmas", supervisor.node(one));
  supervisor.set(one, "vma_file", 0x42);
  const MemoryAreas found = supervisor.areas();
  ASSERT_EQ(found.areas.size(), 1U);
  EXPECT_EQ(found.areas[0].kind, MemoryArea::Kind::kFile);
  EXPECT_EQ(found.areas[0].name, "");
  EXPECT_NE(found.trouble.find("behind the area at 0x1000"), std::string::npos);
}

TEST(SupervisorView, APathWithoutAnEndEnds) {
  FakeSupervisor supervisor;
  const auto one = supervisor.make_vma(0x1000, 0x2000);
  const auto file = supervisor.make(), dentry = supervisor.make(), inode = supervisor.make(),
             fs = supervisor.make();
  supervisor.set(supervisor.space_, "space_vmas", supervisor.node(one));
  supervisor.set(one, "vma_file", file);
  supervisor.set(file + supervisor.offset("file_path"), "path_dentry", dentry);
  supervisor.set(dentry, "dentry_inode", inode);
  supervisor.set(inode, "inode_fs", fs);
  supervisor.set(dentry, "dentry_parent", dentry);
  EXPECT_NE(supervisor.areas().trouble.find("a path without an end"), std::string::npos);
}

TEST(SupervisorView, AProcessTreeThatContainsItselfEnds) {
  FakeSupervisor supervisor;
  const std::uint64_t node = supervisor.process_ + supervisor.offset("process_node");
  supervisor.set(node, "tree_node_left", node);
  supervisor.set(node, "tree_node_right", node);
  const auto found = supervisor.view().areas(3);
  ASSERT_TRUE(found);
  EXPECT_NE(found->trouble, "");
}

TEST(SupervisorView, AnotherDescriptionIsRefused) {
  FakeSupervisor none;
  none.header.magic ^= 1;
  EXPECT_NE(refusal(none).find("there is none at 0x80000000"), std::string::npos);
  FakeSupervisor later;
  later.header.version = 2;
  EXPECT_NE(refusal(later).find("it has version 2, and this build reads 1"), std::string::npos);
  FakeSupervisor fewer;
  fewer.find("vma_end").name[0] = 'x';
  EXPECT_NE(refusal(fewer).find("it lacks 'vma_end'"), std::string::npos);
  FakeSupervisor wider;
  wider.find("vma_prot").bytes = 8;
  EXPECT_NE(refusal(wider).find("'vma_prot' has 8 bytes, and this build expects 4"), std::string::npos);
  FakeSupervisor early;
  early.root("processes", 0);
  EXPECT_NE(refusal(early).find("not up yet"), std::string::npos);
  FakeSupervisor long_one;
  long_one.header.entry_bytes = 0x4000'0000;
  EXPECT_NE(refusal(long_one).find("reaches out of RAM"), std::string::npos);
}

TEST(SupervisorView, MoreNamesAndLargerEntriesAreNoHarm) {
  FakeSupervisor supervisor;
  supervisor.entries_.push_back(FakeSupervisor::entry("something_new", arch::DescribedKind::kField, 8, 0));
  supervisor.header.entry_bytes += 8;
  EXPECT_EQ(refusal(supervisor), "");
}

TEST(SupervisorView, FramesThatRamHasNotAreRefused) {
  FakeSupervisor supervisor;
  supervisor.root("frames", supervisor.make());
  supervisor.root("first_frame", kBase / kPage);
  supervisor.root("frame_count", 64);
  EXPECT_EQ(supervisor.view().frame(kBase / kPage).references, 0U);
  EXPECT_THROW((void)supervisor.view().frame(kBase / kPage - 1), Error);
  EXPECT_THROW((void)supervisor.view().frame(kBase / kPage + 64), Error);
}

}  // namespace
}  // namespace quire
