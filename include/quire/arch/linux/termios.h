// Terminals as programs see them: struct termios and its flags (termios(3)), window size, ioctl_tty(2).
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum InputMode : u32 {
  kInputIgnoreBreak = 0x1,
  kInputStrip = 0x20,         ///< ISTRIP
  kInputNlToCr = 0x40,        ///< INLCR
  kInputIgnoreCr = 0x80,      ///< IGNCR
  kInputCrToNl = 0x100,       ///< ICRNL
  kInputLowerCase = 0x200,    ///< IUCLC
  kInputFlowControl = 0x400,  ///< IXON
  kInputAnyRestarts = 0x800,  ///< IXANY
  kInputBell = 0x2000,        ///< IMAXBEL
  kInputUtf8 = 0x4000,        ///< IUTF8
};
enum OutputMode : u32 {
  kOutputProcess = 0x1,    ///< OPOST
  kOutputUpperCase = 0x2,  ///< OLCUC
  kOutputNlToCrNl = 0x4,   ///< ONLCR
  kOutputCrToNl = 0x8,     ///< OCRNL
  kOutputNoCrAtStart = 0x10,
  kOutputNlReturns = 0x20,
  kOutputTabs = 0x1800,  ///< XTABS: tabs as spaces
};
enum LocalMode : u32 {
  kLocalSignals = 0x1,          ///< ISIG
  kLocalCanonical = 0x2,        ///< ICANON
  kLocalEcho = 0x8,             ///< ECHO
  kLocalEchoErase = 0x10,       ///< ECHOE
  kLocalEchoKill = 0x20,        ///< ECHOK
  kLocalEchoNl = 0x40,          ///< ECHONL
  kLocalNoFlush = 0x80,         ///< NOFLSH
  kLocalStopOutput = 0x100,     ///< TOSTOP
  kLocalEchoControl = 0x200,    ///< ECHOCTL
  kLocalEchoKillErase = 0x800,  ///< ECHOKE
  kLocalExtended = 0x8000,      ///< IEXTEN
};
inline constexpr u32 kControlDefault = 0xbf;  ///< B38400 CS8 CREAD

/// Indices of Termios::characters.
enum ControlCharacter : usize {
  kCharInterrupt,
  kCharQuit,
  kCharErase,
  kCharKill,
  kCharEof,
  kCharTime,
  kCharMin,
  kCharSwitch,
  kCharStart,
  kCharStop,
  kCharSuspend,
  kCharEol,
  kCharReprint,
  kCharDiscard,
  kCharWordErase,
  kCharLiteralNext,
  kCharEol2,
};
inline constexpr usize kControlCharacters = 19;

/// The kernel's struct termios.
struct Termios {
  u32 input;
  u32 output;
  u32 control;
  u32 local;
  u8 line;
  u8 characters[kControlCharacters];
};
static_assert(sizeof(Termios) == 36);
/// struct termios2, with speeds.
struct Termios2 {
  Termios base;
  u32 input_speed;
  u32 output_speed;
};
static_assert(sizeof(Termios2) == 44);

struct WindowSize {
  u16 rows;
  u16 columns;
  u16 width_pixels;
  u16 height_pixels;
};

enum TerminalIoctl : u32 {
  kTcGets = 0x5401,
  kTcSets = 0x5402,
  kTcSetsWait = 0x5403,
  kTcSetsFlush = 0x5404,
  kTcSendBreak = 0x5409,
  kTcXonc = 0x540a,
  kTcFlush = 0x540b,
  kTiocExclusive = 0x540c,
  kTiocNoExclusive = 0x540d,
  kTiocSetControlling = 0x540e,
  kTiocGetGroup = 0x540f,
  kTiocSetGroup = 0x5410,
  kTiocOutQueue = 0x5411,
  kTiocInsert = 0x5412,
  kTiocGetWindow = 0x5413,
  kTiocSetWindow = 0x5414,
  kTiocInQueue = 0x541b,
  kTiocPacket = 0x5420,
  kTiocGiveUpControlling = 0x5422,
  kTcSendBreakPosix = 0x5425,
  kTiocGetSession = 0x5429,
  kTcGets2 = 0x802c'542a,
  kTcSets2 = 0x402c'542b,
  kTcSetsWait2 = 0x402c'542c,
  kTcSetsFlush2 = 0x402c'542d,
  kTiocGetPtyNumber = 0x8004'5430,
  kTiocLockPty = 0x4004'5431,
  kTiocGetPtyLock = 0x8004'5439,
  kTiocPtyPeer = 0x5441,
};
enum class FlushQueue : u64 { kInput = 0, kOutput = 1, kBoth = 2 };

}  // namespace quire::arch
