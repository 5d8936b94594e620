// What a Program (quire/launch.h) becomes in the guest: a tree of files and the run file's strings.
#pragma once

#include <cstdint>
#include <string>

#include "emu/launch/guest_tree.h"
#include "quire/launch.h"

namespace quire {

struct ProgramPlan {
  GuestTree tree;        ///< the program, what it needs to start, its further files, its directory
  std::string run_file;  ///< quire/arch/bootinfo.h
};

/// Checks everything the launcher promises to check (quire/launch.h, make_initramfs). `memory_bytes` bounds
/// what the program's segments may ask for.
/// `mounts`: what the guest mounts, and so sees instead of the plan's files.
ProgramPlan plan_program(const Program& program, std::uint64_t memory_bytes, const GuestMounts& mounts = {});

/// The same when the guest's root is a directory of the host, in which the guest finds the program by itself.
ProgramPlan plan_program_in_root(const Program& program);

/// The directories and files of /etc that programs expect to find everywhere.
GuestTree base_tree();

}  // namespace quire
