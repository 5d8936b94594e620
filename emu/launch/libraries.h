// The shared libraries a dynamically linked program needs, found as its dynamic linker will look for them.
#pragma once

#include <string>
#include <vector>

#include "emu/launch/guest_tree.h"
#include "emu/machine/elf_file.h"

namespace quire {

/// Puts the interpreter of `program` and the transitive closure of DT_NEEDED into `tree`, from the places
/// where the host keeps riscv64 libraries and from the program's own DT_RUNPATH. `host_path` is the
/// program's, for $ORIGIN and messages. Error(kFile) when the interpreter is not there; a missing library is
/// left to the guest's dynamic linker, which says so in its own words. Does nothing for a static program.
void add_libraries(GuestTree& tree, const ElfFile& program, const std::string& host_path);

}  // namespace quire
