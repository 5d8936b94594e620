#include "guest/lib/errno.h"

namespace kernel {

std::string_view errno_name(Errno error) {
  switch (error) {
#define QUIRE_ERRNO(number, name, text) \
  case Errno::k##name:                  \
    return #name;
#include "quire/arch/linux/errno.inc"
#undef QUIRE_ERRNO
  }
  return "E?";
}

}  // namespace kernel
