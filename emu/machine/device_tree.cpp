#include "emu/machine/device_tree.h"

#include <fmt/format.h>
extern "C" {
#include <libfdt.h>
}

#include <stdexcept>
#include <string_view>
#include <utility>

#include "emu/isa/sem/context.h"
#include "emu/machine/isa_string.h"
#include "emu/machine/seed.h"
#include "quire/arch/bits.h"
#include "quire/arch/cause.h"
#include "quire/arch/dma_engine.h"
#include "quire/arch/memmap.h"
#include "quire/arch/trace_port.h"

namespace quire {
namespace {

using arch::MemRegion;

// Phandles; the tree has few enough to number them here.
enum Phandle : std::uint32_t {
  kCpuIntc = 1,
  kPlicHandle = 2,
  kTestHandle = 3,
  kCpuHandle = 4,
  kFramebufferHandle = 5
};

/// libfdt's sequential writer with growing room. An error of it is a bug of ours: sizes are its only
/// variable.
class TreeWriter {
 public:
  TreeWriter() : buffer_(4096) {
    check(fdt_create(buffer_.data(), static_cast<int>(buffer_.size())));
    check(fdt_finish_reservemap(buffer_.data()));
  }

  void begin(const std::string& name) {
    write([&](void* fdt) { return fdt_begin_node(fdt, name.c_str()); });
  }
  void end() {
    write([](void* fdt) { return fdt_end_node(fdt); });
  }
  void flag(const char* name) { property(name, nullptr, 0); }
  void text(const char* name, std::string_view value) {
    const std::string terminated(value);
    property(name, terminated.c_str(), terminated.size() + 1);
  }
  void texts(const char* name, const std::vector<std::string>& values) {
    std::string all;
    for (const auto& value : values) {
      all += value;
      all += '\0';
    }
    property(name, all.data(), all.size());
  }
  void cells(const char* name, std::initializer_list<std::uint32_t> values) {
    std::vector<fdt32_t> big_endian;
    for (const std::uint32_t value : values) {
      big_endian.push_back(cpu_to_fdt32(value));
    }
    property(name, big_endian.data(), big_endian.size() * sizeof(fdt32_t));
  }
  void u64(const char* name, std::uint64_t value) {
    cells(name, {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value)});
  }
  void bytes(const char* name, const std::vector<std::uint8_t>& value) {
    property(name, value.data(), value.size());
  }
  /// `reg` under #address-cells = #size-cells = 2.
  void reg(const MemRegion& region) {
    cells("reg", {static_cast<std::uint32_t>(region.base >> 32), static_cast<std::uint32_t>(region.base),
                  static_cast<std::uint32_t>(region.size_bytes >> 32),
                  static_cast<std::uint32_t>(region.size_bytes)});
  }

  std::vector<std::uint8_t> finish() {
    write([](void* fdt) { return fdt_finish(fdt); });
    buffer_.resize(fdt_totalsize(buffer_.data()));
    return std::move(buffer_);
  }

 private:
  static void check(int status) {
    if (status < 0) {
      throw std::logic_error(std::string("device tree: ") + fdt_strerror(status));
    }
  }
  void property(const char* name, const void* value, std::size_t size) {
    write([&](void* fdt) { return fdt_property(fdt, name, value, static_cast<int>(size)); });
  }
  template <class Step>
  void write(Step step) {
    int status = step(buffer_.data());
    while (status == -FDT_ERR_NOSPACE) {
      std::vector<std::uint8_t> larger(buffer_.size() * 2);
      check(fdt_resize(buffer_.data(), larger.data(), static_cast<int>(larger.size())));
      buffer_.swap(larger);
      status = step(buffer_.data());
    }
    check(status);
  }

  std::vector<std::uint8_t> buffer_;
};

std::string node_name(const char* name, const MemRegion& region) {
  return fmt::format("{}@{:x}", name, region.base);
}

/// Linux's binding display/simple-framebuffer, within /chosen.
void write_screen(TreeWriter& tree, const Framebuffer& framebuffer) {
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.flag("ranges");
  const MemRegion pixels{framebuffer.address, framebuffer.size_bytes()};
  tree.begin(node_name("framebuffer", pixels));
  tree.text("compatible", "simple-framebuffer");
  tree.reg(pixels);
  tree.cells("memory-region", {kFramebufferHandle});
  tree.cells("width", {framebuffer.size.width});
  tree.cells("height", {framebuffer.size.height});
  tree.cells("stride", {static_cast<std::uint32_t>(framebuffer.stride_bytes())});
  tree.text("format", kFramebufferFormat);
  tree.text("status", "okay");
  tree.end();
}

void write_chosen(TreeWriter& tree, const DeviceTreeInputs& inputs) {
  tree.begin("chosen");
  tree.text("bootargs", inputs.command_line);
  tree.text("stdout-path", "/soc/" + node_name("serial", arch::kUart));
  if (inputs.initrd) {
    tree.u64("linux,initrd-start", inputs.initrd->start);
    tree.u64("linux,initrd-end", inputs.initrd->end);
  }
  tree.bytes("rng-seed", seed_bytes(inputs.seed, "rng-seed", 32));
  if (inputs.framebuffer) {
    write_screen(tree, *inputs.framebuffer);
  }
  tree.end();
}

MemRegion region_of(const Framebuffer& framebuffer) {
  return {framebuffer.address, arch::align_up(framebuffer.size_bytes(), kFramebufferAlignment)};
}

/// The devicetree's own reserved-memory binding: kernels must not take the pixels for free memory, nor map
/// them with other attributes than the driver.
void write_reserved_memory(TreeWriter& tree, const Framebuffer& framebuffer) {
  tree.begin("reserved-memory");
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.flag("ranges");
  tree.begin(node_name("framebuffer", region_of(framebuffer)));
  tree.reg(region_of(framebuffer));
  tree.flag("no-map");
  tree.cells("phandle", {kFramebufferHandle});
  tree.end();
  tree.end();
}

void write_cpus(TreeWriter& tree, ExtensionSet extensions) {
  tree.begin("cpus");
  tree.cells("#address-cells", {1});
  tree.cells("#size-cells", {0});
  tree.cells("timebase-frequency", {static_cast<std::uint32_t>(arch::kTimebaseHz)});
  tree.begin("cpu@0");
  tree.cells("phandle", {kCpuHandle});
  tree.text("device_type", "cpu");
  tree.cells("reg", {0});
  tree.text("status", "okay");
  tree.text("compatible", "riscv");
  tree.text("riscv,isa", isa_string(extensions));
  tree.text("riscv,isa-base", "rv64i");
  tree.texts("riscv,isa-extensions", isa_names(extensions));
  const auto block_size = [&](Extension extension, const char* property) {
    if (extensions.has(extension)) tree.cells(property, {static_cast<std::uint32_t>(kCacheBlockBytes)});
  };
  block_size(Extension::Zicbom, "riscv,cbom-block-size");
  block_size(Extension::Zicbop, "riscv,cbop-block-size");
  block_size(Extension::Zicboz, "riscv,cboz-block-size");
  tree.text("mmu-type", "riscv,sv57");
  tree.begin("interrupt-controller");
  tree.cells("#interrupt-cells", {1});
  tree.cells("#address-cells", {0});
  tree.flag("interrupt-controller");
  tree.text("compatible", "riscv,cpu-intc");
  tree.cells("phandle", {kCpuIntc});
  tree.end();
  tree.end();
  tree.begin("cpu-map");
  tree.begin("cluster0");
  tree.begin("core0");
  tree.cells("cpu", {kCpuHandle});
  tree.end();
  tree.end();
  tree.end();
  tree.end();
}

void write_interrupt_controllers(TreeWriter& tree) {
  const auto cause = [](arch::Interrupt interrupt) { return static_cast<std::uint32_t>(interrupt); };
  tree.begin(node_name("clint", arch::kClint));
  tree.texts("compatible", {"sifive,clint0", "riscv,clint0"});
  tree.reg(arch::kClint);
  tree.cells("interrupts-extended", {kCpuIntc, cause(arch::Interrupt::kMachineSoftware), kCpuIntc,
                                     cause(arch::Interrupt::kMachineTimer)});
  tree.end();
  tree.begin(node_name("plic", arch::kPlic));
  tree.texts("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
  tree.reg(arch::kPlic);
  tree.flag("interrupt-controller");
  tree.cells("#interrupt-cells", {1});
  tree.cells("#address-cells", {0});
  tree.cells("interrupts-extended", {kCpuIntc, cause(arch::Interrupt::kMachineExternal), kCpuIntc,
                                     cause(arch::Interrupt::kSupervisorExternal)});
  tree.cells("riscv,ndev", {arch::kPlicSources - 1});  // source 0 does not exist
  tree.cells("phandle", {kPlicHandle});
  tree.end();
}

void write_devices(TreeWriter& tree, unsigned virtio_slots) {
  tree.begin(node_name("test", arch::kFinisher));
  tree.texts("compatible", {"sifive,test1", "sifive,test0", "syscon"});
  tree.reg(arch::kFinisher);
  tree.cells("phandle", {kTestHandle});
  tree.end();

  tree.begin(node_name("rtc", arch::kRtc));
  tree.text("compatible", "google,goldfish-rtc");
  tree.reg(arch::kRtc);
  tree.cells("interrupts", {arch::kRtcIrq});
  tree.cells("interrupt-parent", {kPlicHandle});
  tree.end();

  tree.begin(node_name("serial", arch::kUart));
  tree.text("compatible", "ns16550a");
  tree.reg(arch::kUart);
  tree.cells("clock-frequency", {3'686'400});
  tree.cells("interrupts", {arch::kUartIrq});
  tree.cells("interrupt-parent", {kPlicHandle});
  tree.end();

  for (unsigned slot = 0; slot < virtio_slots; ++slot) {
    const MemRegion region{arch::kVirtioFirst.base + slot * arch::kVirtioStride,
                           arch::kVirtioFirst.size_bytes};
    tree.begin(node_name("virtio_mmio", region));
    tree.text("compatible", "virtio,mmio");
    tree.reg(region);
    tree.cells("interrupts", {arch::kVirtioFirstIrq + slot});
    tree.cells("interrupt-parent", {kPlicHandle});
    tree.end();
  }

  tree.begin(node_name("dma", arch::kDmaEngine));
  tree.text("compatible", arch::kDmaCompatible);
  tree.reg(arch::kDmaEngine);
  tree.cells("interrupts", {arch::kDmaIrq});
  tree.cells("interrupt-parent", {kPlicHandle});
  tree.end();

  tree.begin(node_name("trace", arch::kTracePort));
  tree.text("compatible", arch::kTracePortCompatible);
  tree.reg(arch::kTracePort);
  tree.end();
}

void write_added_devices(TreeWriter& tree, const std::vector<PlacedDevice>& added) {
  for (const PlacedDevice& placed : added) {
    tree.begin(node_name(placed.device.name.c_str(), placed.region));
    tree.texts("compatible", placed.device.compatible);
    tree.reg(placed.region);
    tree.cells("interrupts", {placed.irq});
    tree.cells("interrupt-parent", {kPlicHandle});
    tree.end();
  }
}

/// Linux's generic power-off and reboot drivers write `value` to the finisher through these nodes.
void write_power(TreeWriter& tree) {
  const auto node = [&tree](const char* name, const char* compatible, std::uint32_t value) {
    tree.begin(name);
    tree.text("compatible", compatible);
    tree.cells("regmap", {kTestHandle});
    tree.cells("offset", {0});
    tree.cells("value", {value});
    tree.end();
  };
  node("poweroff", "syscon-poweroff", arch::kFinisherPass);
  node("reboot", "syscon-reboot", arch::kFinisherReset);
}

}  // namespace

std::vector<std::uint8_t> build_device_tree(const DeviceTreeInputs& inputs) {
  TreeWriter tree;
  tree.begin("");
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.texts("compatible", {"quire,virt", "riscv-virtio"});
  tree.text("model", "quire,virt");
  tree.begin("aliases");
  tree.text("serial0", "/soc/" + node_name("serial", arch::kUart));
  tree.end();
  write_chosen(tree, inputs);
  const MemRegion ram{arch::kRamBase, inputs.ram_bytes};
  tree.begin(node_name("memory", ram));
  tree.text("device_type", "memory");
  tree.reg(ram);
  tree.end();
  if (inputs.framebuffer) {
    write_reserved_memory(tree, *inputs.framebuffer);
  }
  write_cpus(tree, inputs.extensions);
  tree.begin("soc");
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.text("compatible", "simple-bus");
  tree.flag("ranges");
  write_interrupt_controllers(tree);
  write_devices(tree, inputs.virtio_slots);
  write_added_devices(tree, inputs.added);
  tree.end();
  write_power(tree);
  tree.end();
  return tree.finish();
}

}  // namespace quire
