// A share in a directory of its own, beside a secret that must stay out of reach, and a client of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "emu/devices/ninep/server.h"
#include "tests/unit/emu/devices/ninep/client.h"
#include "tests/unit/emu/devices/temp_dir.h"

namespace quire::testing {

/// Every test of it runs with and without openat2.
class ShareTest : public ::testing::TestWithParam<share::PathResolution> {
 protected:
  static constexpr u32 kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2;
  static constexpr u32 kRoot = NinepClient::kRoot;

  explicit ShareTest(share::ShareAccess access = share::ShareAccess::kReadWrite) {
    dir.put("secret", "outside");
    dir.put("share/hello", "Hello, share!\n");
    dir.put("share/sub/inner", "deeper");
    std::filesystem::create_symlink("hello", dir / "share/to_hello");
    std::filesystem::create_symlink("..", dir / "share/up");
    std::filesystem::create_symlink(dir / "secret", dir / "share/to_secret");
    server.emplace((dir / "share").string(), access, GetParam());
    client.emplace([this](std::span<const u8> request) {
      const std::span<const u8> reply = server->answer(request, NinepClient::kMessageBytes);
      return std::vector<u8>(reply.begin(), reply.end());
    });
    EXPECT_EQ(client->start(), 0);
  }

  TempDir dir;
  std::optional<share::Server> server;
  std::optional<NinepClient> client;
};

inline std::string resolution_name(const ::testing::TestParamInfo<share::PathResolution>& info) {
  return info.param == share::PathResolution::kOpenat2 ? "Openat2" : "Components";
}

}  // namespace quire::testing
