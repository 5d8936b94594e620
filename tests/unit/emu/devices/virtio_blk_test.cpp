#include "emu/devices/virtio_blk.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/temp_file.h"
#include "tests/unit/emu/devices/virtio_driver.h"

namespace quire::testing {
namespace {

std::string pattern(std::size_t len_bytes) {
  std::string text(len_bytes, 0);
  for (std::size_t i = 0; i < len_bytes; ++i) {
    text[i] = static_cast<char>(i * 7 + i / 512);
  }
  return text;
}

struct BlkTest : ::testing::Test {
  explicit BlkTest(DiskAccess access = DiskAccess::kReadWrite, std::size_t len_bytes = 256 << 10)
      : contents(pattern(len_bytes)),
        file(contents),
        disk(new VirtioBlk(std::make_unique<DiskImage>(file.path(), access), "quire-disk0")),
        device(std::unique_ptr<VirtioDevice>(disk), ram, irq, clock) {
    EXPECT_TRUE(driver.negotiate(driver.offered()));
    driver.set_up(0, 16);
    driver.go();
  }

  struct Answer {
    u8 status;
    u32 used_len;
    std::string data;
  };
  /// `data` is written by the driver for kOut; else `len_bytes` are asked for.
  Answer request(vio::BlkRequest type, u64 sector, u32 len_bytes, std::string_view data = {}) {
    ram.put(header, vio::BlkHeader{type, 0, sector});
    ram.put<u8>(status, 0xee);
    std::vector<vio::Desc> parts = {{header, 16, 0, 0}};
    if (!data.empty()) {
      ram.put_text(buffer, data);
      parts.push_back({buffer, static_cast<u32>(data.size()), 0, 0});
    } else if (len_bytes > 0) {
      parts.push_back({buffer, len_bytes, vio::kDescWrite, 0});
    }
    parts.push_back({status, 1, vio::kDescWrite, 0});
    const u16 at = driver.used_idx(0);
    driver.submit(0, parts);
    driver.notify(0);
    EXPECT_EQ(driver.used_idx(0), at + 1);
    return {ram.get<u8>(status), driver.used(0, at).len, ram.text(buffer, len_bytes)};
  }

  FakeRam ram;
  FakeIrq irq;
  FakeClock clock;
  std::string contents;
  TempFile file;
  VirtioBlk* disk;  ///< owned by `device`
  VirtioMmio device;
  VirtioDriver driver{device, ram};
  u64 header = driver.allocate(16), status = driver.allocate(1), buffer = driver.allocate(256 << 10);
};

struct ReadOnlyBlkTest : BlkTest {
  ReadOnlyBlkTest() : BlkTest(DiskAccess::kReadOnly, 1000) {}
};

TEST_F(BlkTest, TellsItsGeometry) {
  EXPECT_EQ(device.read(0x100, 8), 512u);  // capacity in sectors
  EXPECT_EQ(device.read(0x114, 4), 512u);  // blk_size
  EXPECT_EQ(driver.offered() & 0xff'ffff,
            (1U << 2) | (1U << 4) | (1U << 6) | (1U << 9) | (1U << 10) | (1U << 13) | (1U << 14));
}

TEST_F(BlkTest, ReadsSectors) {
  const Answer answer = request(vio::BlkRequest::kIn, 3, 1024);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.used_len, 1025u);
  EXPECT_EQ(answer.data, contents.substr(3 * 512, 1024));
}

TEST_F(BlkTest, ReadsMoreThanOneStep) {
  const Answer answer = request(vio::BlkRequest::kIn, 1, 200 * 1024);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.data, contents.substr(512, 200 * 1024));
}

TEST_F(BlkTest, WritesSectors) {
  const std::string data(1536, 'W');
  const Answer answer = request(vio::BlkRequest::kOut, 5, 0, data);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.used_len, 1u);
  std::string expected = contents;
  expected.replace(5 * 512, 1536, data);
  EXPECT_EQ(file.contents(), expected);
}

TEST_F(BlkTest, FlushSucceeds) { EXPECT_EQ(request(vio::BlkRequest::kFlush, 0, 0).status, 0); }

TEST_F(BlkTest, GivesItsId) {
  const Answer answer = request(vio::BlkRequest::kGetId, 0, 20);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.data, std::string("quire-disk0\0\0\0\0\0\0\0\0\0", 20));
}

TEST_F(BlkTest, LastSectorIsTheLast) {
  EXPECT_EQ(request(vio::BlkRequest::kIn, 511, 512).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kIn, 511, 1024).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kIn, 512, 512).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kIn, ~u64{0}, 512).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 512, 0, std::string(512, 'x')).status, 1);
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(BlkTest, PartsOfSectorsAreRefused) {
  EXPECT_EQ(request(vio::BlkRequest::kIn, 0, 100).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 0, 0, "abc").status, 1);
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(BlkTest, UnknownRequestIsUnsupported) {
  EXPECT_EQ(request(static_cast<vio::BlkRequest>(99), 0, 512).status, 2);
}

TEST_F(BlkTest, TellsItsLimits) {
  EXPECT_EQ(device.read(0x10c, 4), 254u);  // seg_max
  EXPECT_EQ(device.read(0x100 + 36, 4), VirtioBlk::kMaxDiscardSectors);
  EXPECT_EQ(device.read(0x100 + 40, 4), VirtioBlk::kMaxDiscardSegments);
  EXPECT_EQ(device.read(0x100 + 48, 4), VirtioBlk::kMaxWriteZeroesSectors);
  EXPECT_EQ(device.read(0x100 + 52, 4), VirtioBlk::kMaxWriteZeroesSegments);
}

// --- discard and write zeroes (5.2.6) ----------------------------------------------------------------

std::string segments(const std::vector<vio::BlkSegment>& list) {
  return {reinterpret_cast<const char*>(list.data()), list.size() * sizeof(vio::BlkSegment)};
}

TEST_F(BlkTest, WriteZeroesWritesZeroesAndNothingElse) {
  const std::string data = segments({{3, 2, 0}, {100, 8, vio::kBlkSegmentUnmap}});
  EXPECT_EQ(request(vio::BlkRequest::kWriteZeroes, 0, 0, data).status, 0);
  std::string expected = contents;
  expected.replace(3 * 512, 2 * 512, 2 * 512, '\0');
  expected.replace(100 * 512, 8 * 512, 8 * 512, '\0');
  EXPECT_EQ(file.contents(), expected);
}

TEST_F(BlkTest, DiscardTouchesNothingElse) {
  EXPECT_EQ(request(vio::BlkRequest::kDiscard, 0, 0, segments({{8, 16, 0}, {64, 8, 0}})).status, 0);
  std::string now = file.contents();
  ASSERT_EQ(now.size(), contents.size());
  for (const std::size_t sector : {0, 7, 24, 63, 72, 511}) {
    EXPECT_EQ(now.substr(sector * 512, 512), contents.substr(sector * 512, 512)) << sector;
  }
}

TEST_F(BlkTest, SegmentsBeyondTheDiskOrTheLimitsAreErrors) {
  for (const auto type : {vio::BlkRequest::kDiscard, vio::BlkRequest::kWriteZeroes}) {
    EXPECT_EQ(request(type, 0, 0, segments({{511, 2, 0}})).status, 1);
    EXPECT_EQ(request(type, 0, 0, segments({{~u64{0}, 1, 0}})).status, 1);
    EXPECT_EQ(request(type, 0, 0, segments({{0, ~u32{0}, 0}})).status, 1);
    EXPECT_EQ(request(type, 0, 0, segments({{0, 1, 0}}) + "x").status, 1);
    EXPECT_EQ(request(type, 0, 0, segments(std::vector<vio::BlkSegment>(33, {0, 1, 0}))).status, 1);
    EXPECT_EQ(request(type, 0, 0).status, 1);
  }
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(BlkTest, ReservedSegmentFlagsAreUnsupported) {
  EXPECT_EQ(request(vio::BlkRequest::kWriteZeroes, 0, 0, segments({{0, 1, 2}})).status, 2);
  EXPECT_EQ(request(vio::BlkRequest::kDiscard, 0, 0, segments({{0, 1, vio::kBlkSegmentUnmap}})).status, 2);
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(BlkTest, WhatWasNotNegotiatedIsUnsupported) {
  ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
  driver.set_up(0, 16);
  driver.go();
  EXPECT_EQ(request(vio::BlkRequest::kDiscard, 0, 0, segments({{0, 1, 0}})).status, 2);
  EXPECT_EQ(request(vio::BlkRequest::kWriteZeroes, 0, 0, segments({{0, 1, 0}})).status, 2);
  EXPECT_EQ(file.contents(), contents);
}

// --- bounded work -----------------------------------------------------------------------------------

TEST_F(BlkTest, ManyLongRequestsAreSpreadOverTimeAndAllAnswered) {
  const u32 len = 256 << 10;
  ASSERT_TRUE(driver.negotiate(driver.offered()));
  driver.set_up(0, 256);
  driver.go();
  ram.put(header, vio::BlkHeader{vio::BlkRequest::kIn, 0, 0});
  driver.put_desc(0, 0, {header, 16, vio::kDescNext, 1});
  driver.put_desc(0, 1, {buffer, len, vio::kDescNext | vio::kDescWrite, 2});
  driver.put_desc(0, 2, {status, 1, vio::kDescWrite, 0});
  for (int i = 0; i < 256; ++i) {
    driver.make_available(0, 0);
  }
  driver.notify(0);
  EXPECT_GT(driver.used_idx(0), 100u);
  EXPECT_LT(driver.used_idx(0), 130u);
  while (clock.event_count() > 0) {
    clock.advance_to(clock.next_deadline());
  }
  EXPECT_EQ(driver.used_idx(0), 256u);
  EXPECT_EQ(driver.used(0, 255).len, len + 1);
  EXPECT_EQ(ram.text(buffer, len), contents);
}

TEST_F(BlkTest, FlushesAreBounded) {
  ASSERT_TRUE(driver.negotiate(driver.offered()));
  driver.set_up(0, 256);
  driver.go();
  ram.put(header, vio::BlkHeader{vio::BlkRequest::kFlush, 0, 0});
  driver.put_desc(0, 0, {header, 16, vio::kDescNext, 1});
  driver.put_desc(0, 1, {status, 1, vio::kDescWrite, 0});
  for (int i = 0; i < 256; ++i) {
    driver.make_available(0, 0);
  }
  driver.notify(0);
  EXPECT_LE(driver.used_idx(0), 32u);
}

// --- hosts that fail --------------------------------------------------------------------------------

TEST_F(BlkTest, ImageCutShortIsAnErrorForTheGuestAndTheHostHearsWhy) {
  ASSERT_EQ(truncate(file.path().c_str(), 1024), 0);
  EXPECT_EQ(request(vio::BlkRequest::kIn, 3, 512).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 3, 0, std::string(512, 'x')).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kDiscard, 0, 0, segments({{8, 8, 0}})).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kWriteZeroes, 0, 0, segments({{8, 8, 0}})).status, 1);
  EXPECT_EQ(file.contents().size(), 1024u);
  EXPECT_EQ(device.trouble(), file.path() +
                                  ": the disk image cannot be trusted: another program cut it short "
                                  "while it was in use");
  EXPECT_FALSE(driver.broken());
}

TEST_F(BlkTest, BrokenRuleIsToldToPeopleAndOutlivesTheDriversReset) {
  EXPECT_EQ(device.trouble(), "");
  driver.submit(0, {{header, 16, 0, 0}});
  driver.notify(0);
  driver.set_reg(vio::kRegStatus, 0);
  EXPECT_NE(device.trouble().find("virtio-blk: the guest's driver broke a rule: "), std::string::npos);
  device.reset();
  EXPECT_EQ(device.trouble(), "");
}

TEST_F(BlkTest, AnyFramingOfHeaderAndStatusWorks) {
  ram.put(header, vio::BlkHeader{vio::BlkRequest::kIn, 0, 2});
  ram.put<u8>(buffer + 512, 0xee);
  // 2.7.4.1: the device must not care where descriptors begin and end.
  driver.submit(0, {{header, 3, 0, 0},
                    {header + 3, 13, 0, 0},
                    {buffer, 513, vio::kDescWrite, 0},
                    {buffer, 0, vio::kDescWrite, 0}});
  driver.notify(0);
  EXPECT_EQ(ram.text(buffer, 512), contents.substr(1024, 512));
  EXPECT_EQ(ram.get<u8>(buffer + 512), 0);
}

TEST_F(BlkTest, MissingStatusByteBreaksIt) {
  driver.submit(0, {{header, 16, 0, 0}});
  driver.notify(0);
  EXPECT_TRUE(driver.broken());
}

TEST_F(BlkTest, DataOutsideOfRamBreaksItAndWritesNothing) {
  ram.put(header, vio::BlkHeader{vio::BlkRequest::kOut, 0, 0});
  driver.submit(0, {{header, 16, 0, 0}, {0x1000, 512, 0, 0}, {status, 1, vio::kDescWrite, 0}});
  driver.notify(0);
  EXPECT_TRUE(driver.broken());
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(ReadOnlyBlkTest, SaysSoAndRefusesWrites) {
  EXPECT_TRUE(device.has_feature(u64{1} << 5));
  EXPECT_EQ(driver.offered() & (vio::kBlkFeatureDiscard | vio::kBlkFeatureWriteZeroes), 0u);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 0, 0, std::string(512, 'x')).status, 1);
  EXPECT_EQ(request(vio::BlkRequest::kFlush, 0, 0).status, 0);
  EXPECT_EQ(file.contents(), contents);
}

struct ShortBlkTest : BlkTest {
  ShortBlkTest() : BlkTest(DiskAccess::kReadWrite, 1000) {}
};

TEST_F(ShortBlkTest, PartialLastSectorKeepsWhatIsWrittenToIt) {
  const std::string data(512, 'x');
  EXPECT_EQ(request(vio::BlkRequest::kOut, 1, 0, data).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kIn, 1, 512).data, data);
  EXPECT_EQ(file.contents(), contents.substr(0, 512) + data);
  EXPECT_EQ(device.read(0x100, 8), 2u);
}

struct SnapshotBlkTest : BlkTest {
  SnapshotBlkTest() : BlkTest(DiskAccess::kThrowAway) {}
};

TEST_F(SnapshotBlkTest, GuestReadsWhatItWroteAndTheImageIsUntouched) {
  const std::string data(5 * 512, 'y');
  EXPECT_EQ(driver.offered() & vio::kBlkFeatureReadOnly, 0u);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 3, 0, data).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kWriteZeroes, 0, 0, segments({{40, 16, 0}, {4, 1, 0}})).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kDiscard, 0, 0, segments({{100, 8, 0}})).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kFlush, 0, 0).status, 0);
  std::string expected = contents;
  expected.replace(3 * 512, data.size(), data);
  expected.replace(40 * 512, 16 * 512, 16 * 512, '\0');
  expected.replace(4 * 512, 512, 512, '\0');
  EXPECT_EQ(request(vio::BlkRequest::kIn, 0, 64 * 512).data, expected.substr(0, 64 * 512));
  EXPECT_EQ(file.contents(), contents);
}

TEST_F(SnapshotBlkTest, ImageChangedUnderneathIsAnError) {
  EXPECT_EQ(request(vio::BlkRequest::kIn, 0, 512).status, 0);
  std::ofstream(file.path(), std::ios::binary | std::ios::in) << "changed";
  EXPECT_EQ(request(vio::BlkRequest::kIn, 0, 512).status, 1);
  EXPECT_NE(device.trouble().find("another program changed it"), std::string::npos);
}

TEST_F(ReadOnlyBlkTest, PartialLastSectorIsPadded) {
  EXPECT_EQ(device.read(0x100, 8), 2u);
  const Answer answer = request(vio::BlkRequest::kIn, 1, 512);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.data, contents.substr(512) + std::string(24, 0));
}

struct NextBlkFault final : BlkFaults {
  std::optional<BlkFault> next;
  std::vector<BlkOperation> asked;
  std::optional<BlkFault> fault_of(unsigned, BlkOperation operation) override {
    asked.push_back(operation);
    return std::exchange(next, std::nullopt);
  }
};

struct FailingBlkTest : BlkTest {
  FailingBlkTest() { disk->set_faults(&faults, 0); }
  NextBlkFault faults;
};

TEST_F(FailingBlkTest, AnErrorDoesNothingAndSaysSo) {
  faults.next = BlkFault{.bytes = 0, .told = BlkFault::Told::kFailed};
  EXPECT_EQ(request(vio::BlkRequest::kOut, 5, 0, std::string(1024, 'W')).status, 1);
  EXPECT_EQ(file.contents(), contents);
  EXPECT_EQ(request(vio::BlkRequest::kOut, 5, 0, std::string(1024, 'W')).status, 0);
}

TEST_F(FailingBlkTest, AShortWriteLeavesItsFirstBytesAndFails) {
  faults.next = BlkFault{.bytes = 512, .told = BlkFault::Told::kFailed};
  EXPECT_EQ(request(vio::BlkRequest::kOut, 5, 0, std::string(1024, 'W')).status, 1);
  std::string expected = contents;
  EXPECT_EQ(file.contents(), expected.replace(5 * 512, 512, std::string(512, 'W')));
}

TEST_F(FailingBlkTest, ATornWriteStopsWithinASectorAndClaimsToBeWhole) {
  faults.next = BlkFault{.bytes = 700, .told = BlkFault::Told::kDone};
  EXPECT_EQ(request(vio::BlkRequest::kOut, 5, 0, std::string(1024, 'W')).status, 0);
  std::string expected = contents;
  EXPECT_EQ(file.contents(), expected.replace(5 * 512, 700, std::string(700, 'W')));
}

TEST_F(FailingBlkTest, ATornReadClaimsWhatItDidNotBring) {
  faults.next = BlkFault{.bytes = 512, .told = BlkFault::Told::kDone};
  ram.put_text(buffer, std::string(1024, '-'));
  const Answer answer = request(vio::BlkRequest::kIn, 3, 1024);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.used_len, 1025u);
  EXPECT_EQ(answer.data, contents.substr(3 * 512, 512) + std::string(512, '-'));
}

TEST_F(FailingBlkTest, ARequestThatTakesManyStepsIsAskedAboutOnce) {
  EXPECT_EQ(request(vio::BlkRequest::kIn, 1, 200 * 1024).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kFlush, 0, 0).status, 0);
  EXPECT_EQ(request(vio::BlkRequest::kGetId, 0, 20).status, 0);
  EXPECT_EQ(faults.asked, (std::vector{BlkOperation::kRead, BlkOperation::kFlush, BlkOperation::kOther}));
}

}  // namespace
}  // namespace quire::testing
