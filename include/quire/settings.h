// Settings as people write them ("256M", "entries=64,ways=4,policy=lru"), for the command and Python alike.
//
// Every function throws Error(kUsage) with one line that names the text and says what is accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "quire/config.h"
#include "quire/launch.h"

namespace quire {

/// "65536", "64K", "256M", "1G", "1T": bytes, in powers of 1024; "MiB" and "MB" mean the same as "M".
std::uint64_t parse_size(std::string_view text);

/// "entries=N,ways=N,policy=default|lru|fifo|random", any part of it; the rest stays as in `base`.
TlbConfig parse_tlb(std::string_view text, TlbConfig base = {});

/// "interp", or "auto" or "jit", either with
/// "[,threshold=N][,hot=N][,code=SIZE][,perf-map][,off=NAME[+NAME...]]"; empty: what the environment variable
/// QUIRE_ENGINE says, or else "auto".
EngineConfig parse_engine(std::string_view text);
std::string_view engine_name(EngineKind kind);

/// "WIDTHxHEIGHT" in pixels, such as "1024x768".
ScreenSize parse_screen(std::string_view text);

std::string_view tlb_policy_name(TlbPolicy policy);

/// Config::isa in full and in canonical order: all the extensions that a machine made from it has.
std::string full_isa(std::string_view text);

/// "HOST:GUEST" or "PATH" alone for the same path on both sides; the guest's path must be absolute.
/// (The last ':' separates, so that host paths may hold some.)
struct HostGuestPath {
  std::string host;
  std::string guest;
};
HostGuestPath parse_host_guest(std::string_view text);

/// "HOST:GUEST[:ro|:rw]"; the guest's path must be absolute. Read-only unless it says rw.
SharedPath parse_shared_path(std::string_view text);

/// "DIR[:ro|:rw]".
SharedPath parse_root(std::string_view text);

/// "FILE[,ro][,snapshot]". A comma in the file's name is written twice.
Drive parse_drive(std::string_view text);

/// "DIR,tag=NAME[,rw]". A comma in the directory's name is written twice.
Share parse_share(std::string_view text);

/// "none" or "user[,hostfwd=tcp|udp:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT]...".
NetConfig parse_net(std::string_view text);

}  // namespace quire
