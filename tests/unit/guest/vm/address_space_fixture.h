// The fixture of the tests of address spaces: one space, with mapping, touching, and its maps as text.
#pragma once

#include "guest/vm/address_space.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel {

using host::error_of;
using host::must;

constexpr u32 kRw = kProtRead | kProtWrite;
constexpr u32 kAnon = kMapPrivate | kMapAnonymous;
constexpr u64 kPage = kPageBytes;

class AddressSpaceTest : public host::KernelTest {
 protected:
  AddressSpaceTest() : space_(new_space()) {}

  KResult<VirtAddr> map(u64 pages, u32 prot = kRw, u32 flags = kAnon, RefPtr<File> file = {}, u64 offset = 0,
                        VirtAddr address = VirtAddr(0)) {
    return space_->map({address, pages * kPage, prot, flags, std::move(file), offset});
  }
  /// The answer to a fault, or the kind that an access without fault shows.
  FaultKind touch(VirtAddr address, Access access, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, access);
    return found.faulted ? found.answer.kind : FaultKind::k_spurious;
  }
  void store(VirtAddr address, u8 value, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, Access::kWrite);
    ASSERT_NE(found.byte, nullptr);
    *found.byte = value;
  }
  int load(VirtAddr address, AddressSpace* space = nullptr) {
    const auto found = host::access_user(space != nullptr ? *space : *space_, address, Access::kRead);
    return found.byte == nullptr ? -1 : *found.byte;
  }
  std::string maps(AddressSpace* space = nullptr) {
    String text;
    StringSink sink(text);
    must((space != nullptr ? space : space_.get())->format_maps(sink, context_.root));
    return std::string(text.view());
  }

  RefPtr<AddressSpace> space_;
};

}  // namespace kernel
