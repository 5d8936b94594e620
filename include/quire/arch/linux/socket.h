// Sockets as programs see them: families, types, flags, options, and the structures of socket(2), sendmsg(2),
// cmsg(3) and unix(7).
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

enum AddressFamily : u16 { kFamilyUnspecified = 0, kFamilyUnix = 1, kFamilyInet = 2, kFamilyInet6 = 10 };

enum SocketType : u32 { kSocketStream = 1, kSocketDatagram = 2, kSocketRaw = 3, kSocketSeqPacket = 5 };
inline constexpr u32 kSocketTypeMask = 0xf;

enum MessageFlag : u32 {
  kMessageOutOfBand = 0x1,
  kMessagePeek = 0x2,
  kMessageControlTruncated = 0x8,
  kMessageTruncated = 0x20,
  kMessageDontWait = 0x40,
  kMessageEndOfRecord = 0x80,
  kMessageWaitAll = 0x100,
  kMessageNoSignal = 0x4000,
  kMessageWaitForOne = 0x1'0000,
  kMessageCloseOnExec = 0x4000'0000,
};

enum class ShutdownHow : i32 { kRead = 0, kWrite = 1, kBoth = 2 };

inline constexpr i32 kLevelSocket = 1;
enum SocketOption : i32 {
  kOptionReuseAddress = 2,
  kOptionType = 3,
  kOptionError = 4,
  kOptionDontRoute = 5,
  kOptionBroadcast = 6,
  kOptionSendBuffer = 7,
  kOptionReceiveBuffer = 8,
  kOptionKeepAlive = 9,
  kOptionLinger = 13,
  kOptionReusePort = 15,
  kOptionPassCredentials = 16,
  kOptionPeerCredentials = 17,
  kOptionReceiveLowWater = 18,
  kOptionSendLowWater = 19,
  kOptionReceiveTimeout = 20,
  kOptionSendTimeout = 21,
  kOptionAcceptsConnections = 30,
  kOptionProtocol = 38,
  kOptionDomain = 39,
};

enum ControlMessage : i32 { kControlRights = 1, kControlCredentials = 2 };
/// SCM_MAX_FD.
inline constexpr usize kMaxPassedFiles = 253;

/// struct sockaddr_storage; what counts has a length beside it.
struct SocketAddress {
  u16 family;
  u8 bytes[126];
};
static_assert(sizeof(SocketAddress) == 128);
inline constexpr usize kAddressHeaderBytes = sizeof(u16);
/// sun_path.
inline constexpr usize kUnixPathBytes = 108;

/// struct ucred.
struct SocketCredentials {
  i32 pid;
  u32 uid;
  u32 gid;
};

/// struct msghdr.
struct MessageHeader {
  u64 name;
  u32 name_bytes;
  u32 pad0;
  u64 segments;
  u64 segment_count;
  u64 control;
  u64 control_bytes;
  u32 flags;
  u32 pad1;
};
static_assert(sizeof(MessageHeader) == 56);

/// struct cmsghdr; data follows, padded to 8 bytes.
struct ControlMessageHeader {
  u64 bytes;
  i32 level;
  i32 type;
};
static_assert(sizeof(ControlMessageHeader) == 16);

enum SocketIoctl : u32 { kIoctlBytesUnsent = 0x5411 };

}  // namespace quire::arch
