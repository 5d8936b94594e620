#include "emu/launch/guest_mounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "emu/launch/guest_tree.h"
#include "emu/launch/program_plan.h"
#include "quire/arch/bootinfo.h"
#include "quire/error.h"

namespace quire {
namespace {

constexpr const char* kRootTag = "quire.root";

std::string share_tag(std::size_t index) { return fmt::format("quire.share{}", index); }

void append(std::string& mount_file, std::string_view line) {
  if (line.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::kUsage, "the path of a share has a NUL character in it");
  }
  mount_file += line;
  mount_file += '\0';
}

}  // namespace

std::string make_mount_file(const GuestMounts& mounts) {
  std::string mount_file;
  if (!mounts.root && mounts.shares.empty()) {
    return mount_file;
  }
  append(mount_file, arch::kMountFileMagic);
  if (mounts.root) {
    append(mount_file, fmt::format("{}={}", mounts.root->writable ? "root-rw" : "root", kRootTag));
  }
  for (std::size_t i = 0; i < mounts.shares.size(); ++i) {
    const SharedPath& share = mounts.shares[i];
    const std::string path = normal_guest_path(share.guest_path);
    if (path == "/") {
      throw Error(ErrorKind::kUsage, fmt::format("{}: a share cannot be the guest's '/'; use --root {}",
                                                 share.host_path, share.host_path));
    }
    append(mount_file, fmt::format("{}={} {}", share.writable ? "share-rw" : "share", share_tag(i), path));
  }
  return mount_file;
}

void add_shares(Config& config, const GuestMounts& mounts) {
  if (mounts.root) {
    config.shares.push_back({mounts.root->host_path, kRootTag, mounts.root->writable});
  }
  for (std::size_t i = 0; i < mounts.shares.size(); ++i) {
    config.shares.push_back({mounts.shares[i].host_path, share_tag(i), mounts.shares[i].writable});
  }
}

// Beneath some of the guest's own directories there is nothing of the guest's, and much of the host's users'.
bool collides_with_guest(std::string_view guest_path) {
  constexpr std::string_view kOpen[] = {"/home", "/mnt", "/opt", "/root", "/tmp", "/var/tmp", "/run"};
  const std::string path = normal_guest_path(guest_path);
  const GuestTree tree = base_tree();
  return std::any_of(tree.entries().begin(), tree.entries().end(), [&](const auto& entry) {
    const std::string& own = entry.first;
    if (is_within(own, path)) {
      return true;
    }
    const bool open = std::find(std::begin(kOpen), std::end(kOpen), own) != std::end(kOpen);
    return own != "/" && own != "/var" && !open && is_within(path, own);
  });
}

}  // namespace quire
