// Sockets between processes of this machine (unix(7)): streams, datagrams, sequenced packets.
#pragma once

#include "guest/net/socket.h"

namespace kernel {

KResult<RefPtr<Socket>> make_unix_socket(u32 type, i32 protocol);
KResult<SocketPair> make_unix_pair(u32 type, i32 protocol, const SocketCredentials& who);

}  // namespace kernel
