#include "emu/jit/windows.h"

#include <gtest/gtest.h>

#include <vector>

#include "emu/jit/code_memory.h"

namespace quire::jit {
namespace {

std::vector<u16> bad(WindowTable& table) {
  std::vector<u16> places;
  judge(table, [&](u16 place) { places.push_back(place); });
  return places;
}

struct Windows : testing::Test {
  CodeMemory memory{2 << 20};
  WindowTable* table(bool on_trial) {
    WindowTable* const made = make_windows(memory, 2, 0x100, on_trial);
    made->windows()[0].place = 0x100;
    made->windows()[1].place = 0x104;
    return made;
  }
};

TEST_F(Windows, KnowNothingAtFirst) {
  for (const Window& window : table(true)->windows()) {
    EXPECT_EQ(window.limit, 0u);
    EXPECT_NE(window.start % kPageBytes & ~u64{7}, 0u) << "no aligned access less its offset";
  }
}

TEST_F(Windows, AreJudgedByHowOftenTheBlockRan) {
  WindowTable* const one = table(true);
  one->runs = 1000;
  one->windows()[0].patience -= 10;
  one->windows()[1].patience -= 100;
  EXPECT_EQ(bad(*one), std::vector<u16>{0x104});
  EXPECT_EQ(bad(*one), std::vector<u16>{}) << "counted anew";
}

TEST_F(Windows, EndWhereThereIsNoRoomUntilAllIsGivenUp) {
  usize made = 0;
  while (make_windows(memory, 64, 0, true) != nullptr) ++made;
  EXPECT_GT(made, 10u);
  memory.reset();
  EXPECT_NE(make_windows(memory, 64, 0, true), nullptr);
}

}  // namespace
}  // namespace quire::jit
