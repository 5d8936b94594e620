#include "guest/proc/system_info.h"

#include <cstring>

namespace kernel {

namespace {

constexpr usize kMaxName = 64;
char g_node[kMaxName] = "quire";
char g_domain[kMaxName] = "(none)";
// C libraries refuse kernels older than they know: the release is that of the ABI served.
SystemName g_name{"Linux", "quire", "6.12.0-quire", "#1 Quire supervisor", "riscv64", "(none)"};

KResult<void> set(char (&memory)[kMaxName], StringView& view, StringView name) {
  if (name.size() > kMaxName) {
    return Err(Errno::kEINVAL);
  }
  memcpy(memory, name.data(), name.size());
  view = StringView(memory, name.size());
  return {};
}

}  // namespace

const SystemName& system_name() { return g_name; }
KResult<void> set_node_name(StringView name) { return set(g_node, g_name.node, name); }
KResult<void> set_domain_name(StringView name) { return set(g_domain, g_name.domain, name); }

}  // namespace kernel
