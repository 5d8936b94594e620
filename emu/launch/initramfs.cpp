// The launcher's public face: from a Program to a Config that boots it (quire/launch.h).
#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "emu/launch/guest_mounts.h"
#include "emu/launch/program_plan.h"
#include "emu/machine/config_check.h"
#include "emu/machine/isa_string.h"
#include "quire/arch/bootinfo.h"
#include "quire/arch/sv39.h"
#include "quire/launch.h"

namespace quire {
namespace {

constexpr std::uint64_t kLargestRamBytes = 64ULL << 30;  // quire/config.h, Config::ram_bytes

/// While it is unpacked there are both the archive and the files, whose pages are whole. The supervisor has
/// the last word: it needs some memory itself, and gives files half of it.
void check_fits(const GuestTree& tree, std::uint64_t memory_bytes) {
  std::uint64_t needed = 0;
  const std::pair<const std::string, GuestTree::Entry>* largest = nullptr;
  for (const auto& file : tree.entries()) {
    const std::uint64_t bytes = file.second.data.size();
    needed += bytes + (bytes + arch::kPageBytes - 1) / arch::kPageBytes * arch::kPageBytes;
    if (largest == nullptr || bytes > largest->second.data.size()) {
      largest = &file;
    }
  }
  if (needed > memory_bytes) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format(
            "the guest's files do not fit its {} MiB of RAM: they take {} MiB, {} alone has {} bytes; "
            "give the machine more RAM (--ram)",
            memory_bytes >> 20, (needed >> 20) + 1, largest->first, largest->second.data.size()));
  }
}

void add_bytes(GuestTree& tree, const char* path, std::string_view text) {
  tree.add_file(path, {text.begin(), text.end()}, 0600);
}

/// With a root of the host's only what the supervisor itself reads: the rest would be hidden.
std::vector<std::uint8_t> build_initramfs(const Program* program, std::uint64_t memory_bytes,
                                          const GuestMounts& mounts) {
  GuestTree tree;
  if (!mounts.root) {
    tree.merge(base_tree());
  }
  if (program != nullptr) {
    ProgramPlan plan =
        mounts.root ? plan_program_in_root(*program) : plan_program(*program, memory_bytes, mounts);
    tree.merge(std::move(plan.tree));
    add_bytes(tree, arch::kRunFilePath, plan.run_file);
  }
  if (const std::string mount_file = make_mount_file(mounts); !mount_file.empty()) {
    add_bytes(tree, arch::kMountFilePath, mount_file);
  }
  check_fits(tree, memory_bytes);
  return tree.to_cpio();
}

/// What the supervisor is compiled for, and the registers it saves.
constexpr ExtensionSet kSupervisorNeeds = {Extension::I, Extension::M, Extension::A,
                                           Extension::F, Extension::D, Extension::C};

void add_kernel_option(std::string& command_line, std::string_view key, std::string_view value) {
  if ((" " + command_line).find(fmt::format(" {}=", key)) != std::string::npos) {
    return;  // the user's own word stands
  }
  command_line += fmt::format("{}{}={}", command_line.empty() ? "" : " ", key, value);
}

}  // namespace

std::vector<std::uint8_t> make_initramfs(const Program& program) {
  return build_initramfs(&program, kLargestRamBytes, {});
}

std::vector<std::uint8_t> make_base_initramfs() { return base_tree().to_cpio(); }

void prepare_supervisor(Config& config, const Program* program, const GuestMounts& mounts) {
  if (!parse_isa(config.isa).has_all(kSupervisorNeeds)) {
    throw Error(ErrorKind::kUsage, fmt::format("ISA '{}' is impossible: the supervisor needs {}", config.isa,
                                               isa_string(kSupervisorNeeds)));
  }
  config.mode = BootMode::kSupervisor;
  add_shares(config, mounts);
  const auto image = supervisor_image();
  if (image.empty()) {
    throw Error(ErrorKind::kInternal, "this build has no supervisor in it; configure with -DQUIRE_GUEST=ON");
  }
  config.kernel.assign(image.begin(), image.end());
  config.kernel_name = "supervisor";
  add_kernel_option(config.command_line, "quire.seed", std::to_string(config.seed));
  check_config(config);  // before files are held against a size of RAM that is none
  config.initrd = build_initramfs(program, config.ram_bytes, mounts);
}

}  // namespace quire
