#include "guest/hal/asid.h"

#include <gtest/gtest.h>

#include <vector>

#include "guest/hal/fence.h"

namespace kernel {
namespace {

class AsidTest : public testing::Test {
 protected:
  ~AsidTest() override { init_asids(); }

  /// Runs each of `spaces` once, each with a root of its own.
  static void run_each(std::vector<Asid>& spaces) {
    u64 root = 0x9000'0000;
    for (Asid& space : spaces) {
      activate_root(space, PhysAddr(root += kPageBytes));
    }
  }
  /// ASIDs that two spaces of the live generation have, or that are the kernel's.
  static unsigned shared(const std::vector<Asid>& spaces) {
    std::vector<unsigned> owners(0x10000);
    owners[0] = 1;
    unsigned count = 0;
    for (const Asid& space : spaces) {
      if (asid_is_live(space, PhysAddr(0)) && ++owners[space.number] > 1) {
        count++;
      }
    }
    return count;
  }
};

class LastAsid : public AsidTest, public testing::WithParamInterface<u16> {};

TEST_P(LastAsid, IsFollowedByANewGenerationWithAFullFence) {
  use_asids_up_to(GetParam());
  g_fences = {};
  std::vector<Asid> spaces(GetParam());
  run_each(spaces);
  EXPECT_EQ(g_fences.all, 0U) << "there is one for each";
  EXPECT_EQ(shared(spaces), 0U);

  spaces.resize(spaces.size() + 3);
  std::vector<Asid> more(spaces.end() - 3, spaces.end());
  run_each(more);
  std::copy(more.begin(), more.end(), spaces.end() - 3);
  EXPECT_EQ(g_fences.all, GetParam() < 3 ? 2U : 1U);
  EXPECT_EQ(shared(spaces), 0U);
  EXPECT_FALSE(asid_is_live(spaces.front(), PhysAddr(0)));
}

INSTANTIATE_TEST_SUITE_P(Asids, LastAsid, testing::Values(u16{2}, u16{3}, u16{0x1ff}, u16{0xffff}));

}  // namespace
}  // namespace kernel
