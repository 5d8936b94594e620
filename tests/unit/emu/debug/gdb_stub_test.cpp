#include "emu/debug/gdb_stub.h"

#include <gtest/gtest.h>

#include <string>

#include "emu/debug/gdb_packet.h"
#include "emu/debug/gdb_registers.h"
#include "emu/debug/hex.h"
#include "tests/unit/emu/machine/rv_asm.h"

namespace quire::debug {
namespace {

using namespace test;

struct GdbStubTest : testing::Test {
  Machine machine{config_for(BootMode::kBare, {addi(t0, t0, 1), sd(t0, sp, 0), ld(t1, sp, 0), jump(-12)})};
  GdbStub stub{machine};

  void SetUp() override { machine.hart().set_x(sp, kRam + 0x1000); }
  std::string ask(std::string_view packet) {
    const Answer answer = stub.handle(packet);
    return answer.packets.empty() ? "" : answer.packets.back();
  }
  /// Does what the client wants, and returns the stop it is told.
  std::string resume(std::string_view packet) {
    const Answer answer = stub.handle(packet);
    EXPECT_TRUE(answer.packets.empty());
    EXPECT_TRUE(answer.resume == Resume::kContinue || answer.resume == Resume::kStep);
    return stub.stopped(machine.run({.max_insns = answer.resume == Resume::kStep ? 1U : 1000U})).back();
  }
};

TEST_F(GdbStubTest, OffersWhatItHas) {
  const std::string plain = ask("qSupported:multiprocess+;xmlRegisters=i386");
  EXPECT_NE(plain.find("PacketSize=4000"), std::string::npos);
  EXPECT_NE(plain.find("qXfer:features:read+"), std::string::npos);
  EXPECT_EQ(plain.find("swbreak+"), std::string::npos);
  EXPECT_NE(ask("qSupported:swbreak+;hwbreak+").find(";swbreak+;hwbreak+"), std::string::npos);
  EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S;r");
}

TEST_F(GdbStubTest, UnknownPacketsGetTheEmptyAnswer) {
  for (const char* packet :
       {"vMustReplyEmpty", "qNonsense", "QNonsense", "e", "vFile:open:00,0,0", "", "Z9,0,0", "R00"}) {
    EXPECT_EQ(stub.handle(packet).packets, std::vector<std::string>{""}) << packet;
  }
}

TEST_F(GdbStubTest, RegistersByTheNumbersOfGdb) {
  EXPECT_EQ(ask("P5=8877665544332211"), "OK");
  EXPECT_EQ(machine.hart().x(5), 0x1122334455667788U);
  const std::string general = ask("g");
  EXPECT_EQ(general.size(), 33 * 16U);
  EXPECT_EQ(general.substr(5 * 16, 16), "8877665544332211");
  EXPECT_EQ(general.substr(32 * 16), register_hex(kRam));
  EXPECT_EQ(ask("p20"), register_hex(kRam));
  EXPECT_EQ(ask("P2b=000000000000f83f"), "OK");  // fa0 = 1.5
  EXPECT_EQ(machine.hart().f(10), 0x3ff8000000000000U);
  EXPECT_EQ(ask("P381=7b00000000000000"), "OK");  // mscratch: 65 + 0x340
  EXPECT_EQ(machine.hart().csr(0x340), 0x7bU);
  EXPECT_EQ(ask("p1041"), register_hex(3));
  EXPECT_EQ(ask("P1041=0100000000000000"), "OK");
  EXPECT_EQ(machine.hart().privilege(), arch::Privilege::kSupervisor);
  EXPECT_EQ(ask("G" + general), "OK");
  EXPECT_EQ(machine.hart().x(5), 0x1122334455667788U);
}

TEST_F(GdbStubTest, BadRegisterRequestsAreErrors) {
  EXPECT_EQ(ask("p1041"), register_hex(3));
  EXPECT_EQ(ask("p40f"), "xxxxxxxxxxxxxxxx");  // a CSR that does not exist
  for (const char* packet :
       {"p", "pxyz", "p1042", "pffffffffffffffff", "P", "P5", "P5=12", "P5=zz77665544332211",
        "P20=0100000000000000", "P1041=0200000000000000", "P40f=0000000000000000", "Pf52=0000000000000000",
        "G00", "P11111111111111111=0"}) {
    EXPECT_EQ(ask(packet)[0], 'E') << packet;
  }
}

TEST_F(GdbStubTest, MemoryIsReadAndWritten) {
  EXPECT_EQ(ask("M80001000,4:01020304"), "OK");
  EXPECT_EQ(ask("m80001000,4"), "01020304");
  EXPECT_EQ(ask("X80001004,2:\x7f#"), "OK");
  EXPECT_EQ(ask("m80001000,6"), "010203047f23");
  EXPECT_EQ(ask("X80001004,0:"), "OK");
  EXPECT_EQ(ask("m80fffffe,4"), "0000");  // RAM ends there
  EXPECT_EQ(ask("m80001000,ffffffffffffffff").size(), kMaxPacketBytes);
  for (const char* packet : {"m0,4", "m81000000,1", "M80fffffe,4:00000000", "M80001000,4:0102",
                             "M80001000,1:0x", "m", "m80001000", "m80001000,", "m80001000,4,4", "M80001000,4",
                             "X,4:abcd", "m11111111180001000,4", "mffffffffffffffff,2"}) {
    EXPECT_EQ(ask(packet)[0], 'E') << packet;
  }
}

TEST_F(GdbStubTest, PhysicalMemoryMode) {
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "0");
  machine.hart().set_csr(0x180, 8ULL << 60 | (kRam + 0x100000) >> 12);  // an empty root table
  machine.hart().set_privilege(arch::Privilege::kSupervisor);
  EXPECT_EQ(ask("m80001000,4")[0], 'E');
  EXPECT_EQ(ask("Qqemu.PhyMemMode:1"), "OK");
  EXPECT_EQ(ask("qqemu.PhyMemMode"), "1");
  EXPECT_EQ(ask("M80001000,2:abcd"), "OK");
  EXPECT_EQ(ask("m80001000,2"), "abcd");
  EXPECT_EQ(ask("m0,2")[0], 'E');
  EXPECT_EQ(ask("M80fffffe,4:00000000")[0], 'E');
  EXPECT_EQ(ask("Qqemu.PhyMemMode:2")[0], 'E');
}

TEST_F(GdbStubTest, BreakpointsSayWhichKindToThoseWhoKnow) {
  EXPECT_EQ(ask("Z0,80000008,4"), "OK");
  EXPECT_EQ(resume("vCont;c:1"), "T05thread:1;20:0800008000000000;");
  ask("qSupported:swbreak+;hwbreak+");
  EXPECT_EQ(resume("c"), "T05thread:1;20:0800008000000000;swbreak:;");
  EXPECT_EQ(ask("Z1,80000008,4"), "OK");
  EXPECT_EQ(ask("z0,80000008,4"), "OK");
  EXPECT_EQ(resume("c"), "T05thread:1;20:0800008000000000;hwbreak:;");
  EXPECT_EQ(ask("?"), "T05thread:1;20:0800008000000000;hwbreak:;");
  EXPECT_EQ(ask("z1,80000008,4"), "OK");
  EXPECT_EQ(resume("c").substr(0, 4), "T05t");
}

TEST_F(GdbStubTest, WatchpointsSayTheAddress) {
  EXPECT_EQ(ask("Z2,80001004,4"), "OK");
  EXPECT_EQ(resume("c"), "T05thread:1;20:0800008000000000;watch:80001004;");
  EXPECT_EQ(ask("z2,80001004,4"), "OK");
  EXPECT_EQ(ask("Z3,80001001,1"), "OK");
  EXPECT_EQ(resume("c"), "T05thread:1;20:0c00008000000000;rwatch:80001001;");
  EXPECT_EQ(ask("z3,80001001,1"), "OK");
  EXPECT_EQ(ask("Z4,80000ffc,8"), "OK");
  EXPECT_EQ(resume("c"), "T05thread:1;20:0800008000000000;awatch:80001000;");
  EXPECT_EQ(ask("Z2,80001000,0")[0], 'E');
  EXPECT_EQ(ask("Z2,ffffffffffffffff,2")[0], 'E');
}

TEST_F(GdbStubTest, ANewClientFindsNothingOfTheLast) {
  ask("Z0,80000008,4");
  ask("Z2,80001000,8");
  ask("QStartNoAckMode");
  EXPECT_TRUE(stub.no_acks());
  stub.connected();
  EXPECT_FALSE(stub.no_acks());
  EXPECT_EQ(machine.run({.max_insns = 1000}).reason, StopReason::kLimit);
}

TEST_F(GdbStubTest, ANewClientIsToldWhereTheGuestIsNow) {
  ask("Z0,80000008,4");
  resume("c");
  stub.handle("D");
  machine.run({.max_insns = 1});  // without a debugger
  stub.connected();
  EXPECT_EQ(ask("?"), "T05thread:1;20:" + ask("p20") + ";");
  EXPECT_EQ(ask("p20"), register_hex(kRam + 12));
}

TEST_F(GdbStubTest, ResumptionsHeedThreadAddressAndRange) {
  EXPECT_EQ(stub.handle("vCont;s:2;c").resume, Resume::kContinue);
  EXPECT_EQ(stub.handle("vCont;s:1;c").resume, Resume::kStep);
  EXPECT_EQ(stub.handle("vCont;S05:-1").resume, Resume::kStep);
  EXPECT_EQ(stub.handle("C05").resume, Resume::kContinue);
  const Answer range = stub.handle("vCont;r80000000,80000008:1");
  EXPECT_EQ(range.resume, Resume::kStepRange);
  EXPECT_EQ(range.range_begin, 0x80000000U);
  EXPECT_EQ(range.range_end, 0x80000008U);
  EXPECT_EQ(stub.handle("s80000004").resume, Resume::kStep);
  EXPECT_EQ(machine.hart().pc(), kRam + 4);
  for (const char* packet : {"vCont;", "vCont;x", "vCont;s:2", "vCont;r80000000", "vCont;rx,y", "c80000001",
                             "cxyz", "C", "Cx", "vCont;;"}) {
    const Answer answer = stub.handle(packet);
    EXPECT_EQ(answer.resume, Resume::kNo) << packet;
    EXPECT_EQ(answer.packets.at(0)[0], 'E') << packet;
  }
  EXPECT_EQ(stub.handle("D").resume, Resume::kDetach);
  EXPECT_EQ(stub.handle("k").resume, Resume::kKill);
  EXPECT_EQ(stub.handle("vKill;1").resume, Resume::kKill);
}

TEST_F(GdbStubTest, Threads) {
  EXPECT_EQ(ask("qC"), "QC1");
  EXPECT_EQ(ask("qfThreadInfo"), "m1");
  EXPECT_EQ(ask("qsThreadInfo"), "l");
  for (const char* packet : {"Hg0", "Hg1", "Hc-1", "T1"}) EXPECT_EQ(ask(packet), "OK") << packet;
  for (const char* packet : {"Hg2", "H", "T", "T2", "Hc"}) EXPECT_EQ(ask(packet), "E01") << packet;
}

TEST_F(GdbStubTest, DescriptionsComeInPieces) {
  const std::string whole = target_xml(machine.hart());
  std::string joined;
  for (;;) {
    const std::string piece = ask("qXfer:features:read:target.xml:" + [&] {
      char text[20];
      std::snprintf(text, sizeof text, "%zx,100", joined.size());
      return std::string(text);
    }());
    ASSERT_FALSE(piece.empty());
    joined += piece.substr(1);
    if (piece[0] == 'l') break;
    ASSERT_EQ(piece[0], 'm');
  }
  EXPECT_EQ(joined, whole);
  EXPECT_NE(whole.find("<reg name=\"mscratch\" bitsize=\"64\" regnum=\"897\""), std::string::npos);
  EXPECT_NE(ask("qXfer:memory-map:read::0,1000").find("start=\"0x80000000\" length=\"0x1000000\""),
            std::string::npos);
  for (const char* packet :
       {"qXfer:features:read:other.xml:0,100", "qXfer:features:read:target.xml:fffffff,1",
        "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:0"}) {
    EXPECT_EQ(ask(packet), "E00") << packet;
  }
  EXPECT_EQ(ask("qXfer:auxv:read::0,100"), "");
}

TEST_F(GdbStubTest, MonitorTextIsConsoleOutput) {
  const Answer answer = stub.handle("qRcmd," + text_to_hex("info"));
  ASSERT_EQ(answer.packets.size(), 2U);
  EXPECT_EQ(answer.packets[0][0], 'O');
  const auto bytes = from_hex(answer.packets[0].substr(1));
  ASSERT_TRUE(bytes.has_value());
  const std::string text(bytes->begin(), bytes->end());
  EXPECT_NE(text.find("hart 0 in M-mode"), std::string::npos) << text;
  EXPECT_EQ(answer.packets[1], "OK");
  EXPECT_EQ(ask("qRcmd,0"), "E16");
}

TEST_F(GdbStubTest, TheEndIsToldAndNothingRunsAfterIt) {
  Code code;
  append_exit(code, 42);
  Machine ending(config_for(BootMode::kBare, code));
  GdbStub exits(ending);
  EXPECT_EQ(exits.stopped(ending.run()).back(), "W2a");
  EXPECT_EQ(exits.handle("c").packets.at(0), "W2a");
  EXPECT_EQ(exits.handle("c").resume, Resume::kNo);
  EXPECT_EQ(exits.handle("!").packets.at(0), "OK");
  EXPECT_EQ(exits.handle("qfThreadInfo").packets.at(0), "l");
  EXPECT_EQ(exits.handle("vRun;").packets.at(0).substr(0, 3), "T05");
  EXPECT_EQ(exits.handle("qfThreadInfo").packets.at(0), "m1");
  EXPECT_EQ(exits.handle("vKill;1").resume, Resume::kNo);
  EXPECT_EQ(exits.handle("?").packets.at(0), "X09");
  EXPECT_EQ(exits.handle("vRun;").packets.at(0).substr(0, 3), "T05");
  EXPECT_EQ(exits.handle("c").resume, Resume::kContinue);
  GdbStub killed(ending, [](const Stop&) { return 11; });
  EXPECT_EQ(killed.stopped(ending.run()).back(), "X0b");
}

}  // namespace
}  // namespace quire::debug
