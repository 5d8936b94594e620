// What the system calls itself (uname(2)).
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

struct SystemName {
  StringView system;
  StringView node;
  StringView release;
  StringView version;
  StringView machine;
  StringView domain;
};
const SystemName& system_name();
/// At most 64 bytes. EINVAL.
KResult<void> set_node_name(StringView name);
KResult<void> set_domain_name(StringView name);

}  // namespace kernel
