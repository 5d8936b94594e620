#include "guest/drivers/interrupt.h"

#include "guest/hal/boot_info.h"
#include "guest/hal/trap.h"
#include "guest/lib/byte_reader.h"
#include "guest/lib/log.h"
#include "guest/mem/kernel_space.h"
#include "quire/arch/memmap.h"

namespace kernel {

namespace {

// RISC-V PLIC 1.0: 32-bit registers.
constexpr u64 kPriorityBase = 0;  // one register a source
constexpr u64 kEnableBase = 0x2000;
constexpr u64 kEnableStride = 0x80;
constexpr u64 kContextBase = 0x20'0000;
constexpr u64 kContextStride = 0x1000;
constexpr u64 kThreshold = 0;
constexpr u64 kClaim = 4;
constexpr u32 kSupervisorExternal = static_cast<u32>(Interrupt::kSupervisorExternal);

struct Source {
  InterruptHandler handler = nullptr;
  void* context = nullptr;
};
Source g_sources[kPlicSources];
volatile u8* g_plic = nullptr;
u64 g_plic_context = 0;

volatile u32& plic(u64 offset) { return *reinterpret_cast<volatile u32*>(g_plic + offset); }

void on_external() {
  volatile u32& claim = plic(kContextBase + g_plic_context * kContextStride + kClaim);
  while (const u32 source = claim) {
    if (source < kPlicSources && g_sources[source].handler != nullptr) {
      g_sources[source].handler(g_sources[source].context);
    }
    claim = source;
  }
}

/// The hart's interrupt controller, as the PLIC names it.
std::optional<u64> hart_controller_phandle() {
  const auto cpus = boot_info().device_tree.find("/cpus");
  for (auto cpu = cpus ? cpus->first_child() : std::nullopt; cpu; cpu = cpu->next_sibling()) {
    if (cpu->number("reg") != boot_info().hart_id) {
      continue;
    }
    for (auto child = cpu->first_child(); child; child = child->next_sibling()) {
      if (child->property("interrupt-controller")) {
        return child->number("phandle");
      }
    }
  }
  return std::nullopt;
}

/// Contexts are numbered by the pairs (controller, cause) of `interrupts-extended`.
std::optional<u64> supervisor_context(const FdtNode& node) {
  const auto pairs = node.property("interrupts-extended");
  const auto phandle = hart_controller_phandle();
  if (!pairs || !phandle) {
    return std::nullopt;
  }
  ByteReader reader(*pairs);
  for (u64 context = 0;; context++) {
    auto controller = reader.read_be32();
    auto cause = reader.read_be32();
    if (!controller.ok() || !cause.ok()) {
      return std::nullopt;
    }
    if (controller.value() == *phandle && cause.value() == kSupervisorExternal) {
      return context;
    }
  }
}

}  // namespace

void init_interrupt_controller() {
  const Fdt& tree = boot_info().device_tree;
  auto node = tree.find_compatible("sifive,plic-1.0.0");
  if (!node) {
    node = tree.find_compatible("riscv,plic0");
  }
  const auto context = node ? supervisor_context(*node) : std::nullopt;
  if (!context || !node->reg()) {
    log_warning("no PLIC: devices have no interrupts");
    return;
  }
  auto registers = ioremap(*node->reg());
  if (!registers.ok()) {
    log_error("cannot map the PLIC: {}", errno_name(registers.error()));
    return;
  }
  g_plic = registers.value();
  g_plic_context = *context;
  for (u32 source = 0; source < kPlicSources; source += 32) {
    plic(kEnableBase + g_plic_context * kEnableStride + source / 8) = 0;
  }
  plic(kContextBase + g_plic_context * kContextStride + kThreshold) = 0;
  set_trap_handlers({.external = on_external});
}

KResult<void> enable_interrupt(u32 source, InterruptHandler handler, void* context) {
  if (g_plic == nullptr) {
    return Err(Errno::kENODEV);
  }
  if (source == 0 || source >= kPlicSources || g_sources[source].handler != nullptr) {
    return Err(Errno::kEINVAL);
  }
  g_sources[source] = {handler, context};
  plic(kPriorityBase + source * sizeof(u32)) = 1;
  volatile u32& enable = plic(kEnableBase + g_plic_context * kEnableStride + source / 32 * sizeof(u32));
  enable = enable | (1U << (source % 32));
  return {};
}

std::optional<u32> interrupt_of(const FdtNode& node) {
  const auto interrupts = node.property("interrupts");
  if (!interrupts) {
    return std::nullopt;
  }
  auto first = ByteReader(*interrupts).read_be32();
  return first.ok() ? std::optional(first.value()) : std::nullopt;
}

}  // namespace kernel
