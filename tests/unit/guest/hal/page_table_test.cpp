#include "guest/hal/page_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "guest/hal/fence.h"
#include "guest/mem/injection.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

constexpr u64 kRw = kPteRead | kPteWrite | kPteUser;
constexpr u64 kRo = kPteRead | kPteUser;

class PageTableTest : public testing::Test {
 protected:
  PageTableTest() : memory_(usize{8} << 20) {
    set_table_allocator({[]() -> KResult<PhysAddr> {
                           return frame_address(TRY(alloc_frame(ZeroIt::kYes, FrameUse::kPageTable)));
                         },
                         [](PhysAddr table) { put_frame(frame_at(table)); }});
    init_asids();
    EXPECT_TRUE(kernel_page_table().create_kernel().ok());
    EXPECT_TRUE(kernel_page_table().reserve_table(VirtAddr(kStackAreaBase)).ok());
    kernel_page_table().activate();
    tables_at_start_ = table_frames();
    EXPECT_TRUE(table_.create().ok());
    table_.activate();
    g_fences = {};
  }
  ~PageTableTest() override {
    table_.destroy();
    EXPECT_EQ(table_frames(), tables_at_start_) << "a table was lost";
    kernel_page_table().~PageTable();  // the memory goes with the test
    new (&kernel_page_table()) PageTable;
  }
  static u64 table_frames() { return memory_stats().used_for(FrameUse::kPageTable); }

  host::PhysicalMemory memory_;
  PageTable table_;
  u64 tables_at_start_ = 0;
};

TEST_F(PageTableTest, MapsLooksUpAndUnmaps) {
  const VirtAddr va(0x12345000);
  ASSERT_TRUE(table_.map(va, PhysAddr(0x9000'0000), kRw).ok());
  EXPECT_EQ(table_.map(va, PhysAddr(0x9000'0000), kRw).error(), Errno::kEEXIST);
  const Leaf leaf = table_.lookup(va + 0x123);
  ASSERT_TRUE(leaf.valid());
  EXPECT_EQ(leaf.address_of(va + 0x123).value, 0x9000'0123U);
  EXPECT_TRUE(leaf.pte.has(kRw | kPteAccessed | kPteDirty));
  EXPECT_EQ(table_.unmap(va).pte, leaf.pte);
  EXPECT_FALSE(table_.lookup(va).valid());
  EXPECT_FALSE(table_.unmap(va).valid());
}

TEST_F(PageTableTest, SharesTheKernelHalf) {
  const Pte* const mine = phys_to_virt<Pte>(table_.root());
  const Pte* const kernels = phys_to_virt<Pte>(kernel_page_table().root());
  const unsigned stack_root = pte_index(VirtAddr(kStackAreaBase), 2);
  EXPECT_TRUE(mine[stack_root].valid());
  EXPECT_EQ(mine[stack_root], kernels[stack_root]);
}

TEST_F(PageTableTest, SuperpagesResolveInsideThem) {
  PageTable& kernel = kernel_page_table();
  const VirtAddr va(kLinearMapBase + 0x8000'0000);
  ASSERT_TRUE(kernel.map(va, PhysAddr(0x8000'0000), kPteRead | kPteGlobal, 1).ok());
  tables_at_start_++;  // the kernel's own keeps it
  EXPECT_EQ(kernel.lookup(va + 0x12345).address_of(va + 0x12345).value, 0x8001'2345U);
  EXPECT_EQ(kernel.lookup(va).level, 1U);
  EXPECT_EQ(kernel.map(va + 0x1000, PhysAddr(0x8000'1000), kPteRead, 0).error(), Errno::kEEXIST);
}

TEST_F(PageTableTest, DowngradesFenceAndUpgradesDoNot) {
  const VirtAddr va(0x1000);
  ASSERT_TRUE(table_.map(va, PhysAddr(0x9000'0000), kRo).ok());
  EXPECT_EQ(g_fences.pages, 0U) << "a new mapping needs no fence";
  const auto set_flags = [&](u64 flags) {
    table_.update_range(va, va + kPageBytes, [&](VirtAddr, Pte pte) {
      return Pte::make(pte.address(), flags | kPteValid | kPteAccessed | kPteDirty);
    });
  };
  set_flags(kRw);
  EXPECT_EQ(g_fences.pages, 0U) << "more permission needs no fence";
  set_flags(kRo);
  EXPECT_EQ(g_fences.pages, 1U) << "less permission does";
  ASSERT_TRUE(table_.replace(va, PhysAddr(0x9000'1000), kRw).ok());
  EXPECT_EQ(g_fences.pages, 2U) << "another frame does";
  table_.unmap(va);
  EXPECT_EQ(g_fences.pages, 3U);
  ASSERT_TRUE(table_.replace(va, PhysAddr(0x9000'1000), kRw).ok());
  EXPECT_EQ(g_fences.pages, 3U) << "nothing was there";
}

TEST_F(PageTableTest, ManyDowngradesFenceTheSpaceOnce) {
  for (u64 i = 0; i < 100; i++) {
    ASSERT_TRUE(table_.map(VirtAddr(i * kPageBytes), PhysAddr(0x9000'0000), kRw).ok());
  }
  unsigned seen = 0;
  table_.update_range(VirtAddr(0), VirtAddr(kSv39UserTop), [&](VirtAddr va, Pte) {
    EXPECT_EQ(va.value, seen * kPageBytes);
    seen++;
    return Pte();
  });
  EXPECT_EQ(seen, 100U);
  EXPECT_EQ(g_fences.pages, 0U);
  EXPECT_EQ(g_fences.spaces, 1U);
}

TEST_F(PageTableTest, ATableThatNeverRanNeedsNoFence) {
  PageTable other;
  ASSERT_TRUE(other.create().ok());
  ASSERT_TRUE(other.map(VirtAddr(0x1000), PhysAddr(0x9000'0000), kRw).ok());
  other.unmap(VirtAddr(0x1000));
  EXPECT_EQ(g_fences.pages, 0U);
}

TEST_F(PageTableTest, AsidsRunOutIntoANewGenerationWithAFullFence) {
  PageTable others[4];  // the host's hart has three ASIDs, one of them taken
  for (PageTable& other : others) {
    ASSERT_TRUE(other.create().ok());
    other.activate();
  }
  EXPECT_EQ(g_fences.all, 1U);
  const Satp stale = table_.satp();
  table_.activate();
  EXPECT_NE(table_.satp().asid(), 0U);
  EXPECT_EQ(table_.satp().root(), stale.root());
}

TEST_F(PageTableTest, CopyRangeGivesBothSidesWhatTheCallbackSays) {
  const u64 places[] = {0x1000, 0x5000, 0x20'0000, 0x4000'0000, 0x3f'ffff'f000};
  for (const u64 va : places) {
    ASSERT_TRUE(table_.map(VirtAddr(va), PhysAddr(0x9000'0000 + va % 0x10'0000), kRw).ok());
  }
  PageTable child;
  ASSERT_TRUE(child.create().ok());
  const auto copied = child.copy_range(table_, VirtAddr(0), VirtAddr(kSv39UserTop), [](VirtAddr, Pte pte) {
    const Pte shared{pte.raw & ~u64{kPteWrite}};
    return PageTable::CopiedLeaf{shared, shared};
  });
  ASSERT_TRUE(copied.ok());
  for (const u64 va : places) {
    EXPECT_FALSE(table_.lookup(VirtAddr(va)).pte.has(kPteWrite));
    EXPECT_EQ(child.lookup(VirtAddr(va)).pte, table_.lookup(VirtAddr(va)).pte);
  }
  EXPECT_EQ(g_fences.pages, std::size(places));
}

TEST_F(PageTableTest, CopyRangeReportsEnomemAndLosesNothing) {
  for (u64 i = 0; i < 8; i++) {
    ASSERT_TRUE(table_.map(VirtAddr(i << 30), PhysAddr(0x9000'0000), kRw).ok());
  }
  PageTable child;
  ASSERT_TRUE(child.create().ok());
  inject({.nth = 6});
  const auto copied = child.copy_range(table_, VirtAddr(0), VirtAddr(kSv39UserTop), [](VirtAddr, Pte pte) {
    return PageTable::CopiedLeaf{pte, pte};
  });
  EXPECT_EQ(copied.error(), Errno::kENOMEM);
}

TEST_F(PageTableTest, TrimFreesEmptyTablesOnly) {
  const u64 before = table_.table_frames();
  ASSERT_TRUE(table_.map(VirtAddr(0x4000'0000), PhysAddr(0x9000'0000), kRw).ok());
  ASSERT_TRUE(table_.map(VirtAddr(0x4020'0000), PhysAddr(0x9000'0000), kRw).ok());
  EXPECT_EQ(table_.table_frames(), before + 3);
  table_.unmap(VirtAddr(0x4000'0000));
  table_.trim(VirtAddr(0), VirtAddr(kSv39UserTop));
  EXPECT_EQ(table_.table_frames(), before + 2);
  EXPECT_TRUE(table_.lookup(VirtAddr(0x4020'0000)).valid());
  table_.unmap(VirtAddr(0x4020'0000));
  table_.trim(VirtAddr(0x4000'0000), VirtAddr(0x8000'0000));
  EXPECT_EQ(table_.table_frames(), before);
}

TEST_F(PageTableTest, AgreesWithAModelOverRandomOperations) {
  std::mt19937_64 random(3);
  std::map<u64, u64> model;
  for (int round = 0; round < 20000; round++) {
    const u64 va = (random() % 3 * 0x4000'0000 + random() % 600 * kPageBytes) & (kSv39UserTop - 1);
    const u64 pa = 0x8000'0000 + random() % 1000 * kPageBytes;
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(table_.map(VirtAddr(va), PhysAddr(pa), kRw).ok(), model.emplace(va, pa).second);
        break;
      case 1:
        ASSERT_TRUE(table_.replace(VirtAddr(va), PhysAddr(pa), kRw).ok());
        model[va] = pa;
        break;
      case 2:
        EXPECT_EQ(table_.unmap(VirtAddr(va)).valid(), model.erase(va) == 1);
        break;
      default: {
        const u64 end = std::min(va + random() % 64 * kPageBytes, kSv39UserTop);
        u64 visited = 0;
        table_.for_each_leaf(VirtAddr(va), VirtAddr(end), [&](VirtAddr at, Pte pte) {
          EXPECT_EQ(model.at(at.value), pte.address().value);
          visited++;
        });
        EXPECT_EQ(visited, static_cast<u64>(std::distance(model.lower_bound(va), model.lower_bound(end))));
      }
    }
  }
}

}  // namespace
}  // namespace kernel
