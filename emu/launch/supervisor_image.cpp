// The supervisor's ELF image, put into this library by the assembler.
//
// QUIRE_SUPERVISOR_ELF is the file's path, defined by the build where the supervisor is built; the build also
// makes this object depend on that file.
#include <cstddef>

#include "quire/launch.h"

#ifdef QUIRE_SUPERVISOR_ELF
asm(".section .rodata.quire_supervisor, \"a\"\n"
    ".balign 64\n"
    ".global quire_supervisor_begin\n"
    "quire_supervisor_begin:\n"
    ".incbin \"" QUIRE_SUPERVISOR_ELF
    "\"\n"
    ".global quire_supervisor_end\n"
    "quire_supervisor_end:\n"
    ".previous\n");
extern "C" const std::uint8_t quire_supervisor_begin[];
extern "C" const std::uint8_t quire_supervisor_end[];
#endif

namespace quire {

std::span<const std::uint8_t> supervisor_image() {
#ifdef QUIRE_SUPERVISOR_ELF
  return {quire_supervisor_begin, static_cast<std::size_t>(quire_supervisor_end - quire_supervisor_begin)};
#else
  return {};
#endif
}

}  // namespace quire
