#include "guest/proc/pending_signals.h"

#include "gtest/gtest.h"

namespace kernel {
namespace {

SigInfo signal(i32 signo, i32 code = kSiQueue, u64 value = 0) {
  SigInfo info{};
  info.signo = signo;
  info.code = code;
  info.sender.value = value;
  return info;
}

TEST(PendingSignals, StandardSignalIsQueuedOnce) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add(signal(kSIGUSR1, kSiUser, 1), 100).ok());
  ASSERT_TRUE(pending.add(signal(kSIGUSR1, kSiUser, 2), 100).ok());
  SigInfo info;
  ASSERT_TRUE(pending.take(~SigSet{0}, info));
  EXPECT_EQ(info.sender.value, 1U);
  EXPECT_FALSE(pending.take(~SigSet{0}, info));
  EXPECT_EQ(pending.set(), 0U);
}

TEST(PendingSignals, RealtimeSignalsKeepTheirNumberAndOrder) {
  PendingSignals pending;
  for (u64 value = 0; value < 3; value++) {
    ASSERT_TRUE(pending.add(signal(40, kSiQueue, value), 100).ok());
  }
  SigInfo info;
  for (u64 value = 0; value < 3; value++) {
    ASSERT_TRUE(pending.take(sig_bit(40), info));
    EXPECT_EQ(info.sender.value, value);
  }
  EXPECT_EQ(pending.set(), 0U);
}

TEST(PendingSignals, FaultsComeFirstThenTheLowestNumber) {
  PendingSignals pending;
  for (const i32 signo : {50, i32{kSIGTERM}, i32{kSIGHUP}, i32{kSIGSEGV}}) {
    ASSERT_TRUE(pending.add(signal(signo), 100).ok());
  }
  SigInfo info;
  for (const i32 signo : {i32{kSIGSEGV}, i32{kSIGHUP}, i32{kSIGTERM}, 50}) {
    ASSERT_TRUE(pending.take(~SigSet{0}, info));
    EXPECT_EQ(info.signo, signo);
  }
}

TEST(PendingSignals, OnlyWantedSignalsAreTaken) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add(signal(kSIGHUP), 100).ok());
  SigInfo info;
  EXPECT_FALSE(pending.take(~sig_bit(kSIGHUP), info));
  EXPECT_EQ(pending.set(), sig_bit(kSIGHUP));
}

TEST(PendingSignals, AFullQueueRefusesRealtimeAndKeepsTheBitOfStandardOnes) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add(signal(40), 1).ok());
  const auto refused = pending.add(signal(40), 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), Errno::kEAGAIN);
  ASSERT_TRUE(pending.add(signal(kSIGTERM), 1).ok());
  SigInfo info;
  ASSERT_TRUE(pending.take(sig_bit(kSIGTERM), info));
  EXPECT_EQ(info.signo, kSIGTERM);
  EXPECT_EQ(info.code, kSiUser);
}

TEST(PendingSignals, DiscardDropsTheEntriesToo) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add(signal(kSIGTSTP), 100).ok());
  ASSERT_TRUE(pending.add(signal(kSIGCONT), 100).ok());
  pending.discard(kStopSignals);
  EXPECT_EQ(pending.set(), sig_bit(kSIGCONT));
  SigInfo info;
  EXPECT_FALSE(pending.take(kStopSignals, info));
}

TEST(PendingSignals, ATimersExpiriesAddUp) {
  PendingSignals pending;
  SigInfo info = signal(kSIGALRM, kSiTimer);
  info.timer = {.timer_id = 3, .overrun = 0, .value = 9};
  EXPECT_FALSE(pending.add_timer_overruns(3, 1));
  ASSERT_TRUE(pending.add(info, 100).ok());
  EXPECT_TRUE(pending.add_timer_overruns(3, 2));
  EXPECT_TRUE(pending.add_timer_overruns(3, INT32_MAX));
  EXPECT_FALSE(pending.add_timer_overruns(4, 1));
  SigInfo taken;
  ASSERT_TRUE(pending.take(~SigSet{0}, taken));
  EXPECT_EQ(taken.timer.overrun, INT32_MAX);
}

}  // namespace
}  // namespace kernel
