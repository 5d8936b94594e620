#include "guest/hal/isa.h"

#include <gtest/gtest.h>

#include <string>

namespace kernel {
namespace {

struct Text final : FormatSink {
  void put(StringView more) override { text += more; }
  std::string text;
};

std::string shown(StringView isa) {
  Text out;
  IsaExtensions::parse(isa).show(out);
  return out.text;
}

TEST(IsaExtensions, ShowsWhatLinuxShows) {
  // The device tree of `quire boot`, and the line that Linux 6.12 makes of it there.
  EXPECT_EQ(
      shown("rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicond_zicsr_zifencei_zihintpause_zacas_zawrs_zfa_zfh_"
            "zfhmin_"
            "zba_zbb_zbc_zbkb_zbs_sstc_svadu_svinval_svnapot_svpbmt"),
      "rv64imafdc_zicbom_zicboz_zicntr_zicond_zicsr_zifencei_zihintpause_zacas_zawrs_zfa_zfh_zfhmin_zca_zcd_"
      "zba_zbb_zbc_zbkb_zbs_sstc_svinval_svnapot_svpbmt");
}

TEST(IsaExtensions, GivesTheBitsOfHwprobe) {
  const auto isa = IsaExtensions::parse(
      "rv64imafdc_zicboz_zicond_zihintpause_zacas_zawrs_zfa_zfh_zfhmin_zba_zbb_zbc_zbkb_zbs");
  EXPECT_EQ(isa.probe_bits(), 0x1281d180001fbu);  // as Linux 6.12 answers on that board
  EXPECT_EQ(IsaExtensions::parse("rv64imac").probe_bits(), (u64{1} << 1) | (u64{1} << 43));
}

TEST(IsaExtensions, GivesTheLettersAsHwcap) {
  EXPECT_EQ(IsaExtensions::parse("rv64imafdc_zba").hwcap(), 0x112du);
  EXPECT_EQ(IsaExtensions::parse("rv64ima").hwcap(), 0x1101u);
}

TEST(IsaExtensions, ClaimsNothingThatItDoesNotKnow) {
  EXPECT_EQ(shown("rv64imafdcvh_zve32x_xvendor"), "rv64imafdc_zca_zcd");
  EXPECT_EQ(shown("rv32imac"), "rv64");
  EXPECT_EQ(shown(""), "rv64");
  EXPECT_EQ(shown("rv64"), "rv64");
  EXPECT_EQ(shown("rv64__"), "rv64");
  EXPECT_EQ(shown("rv64i_zb_zbaa__zba_"), "rv64i_zba");
}

TEST(IsaExtensions, LosesWhatIsTakenAway) {
  auto isa = IsaExtensions::parse("rv64i_zicboz");
  isa.remove("zicboz");
  EXPECT_FALSE(isa.has("zicboz"));
  EXPECT_TRUE(isa.has("i"));
}

}  // namespace
}  // namespace kernel
