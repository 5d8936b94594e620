#include "emu/machine/device_tree.h"

#include <gtest/gtest.h>

extern "C" {
#include <libfdt.h>
}

#include <string>

#include "quire/arch/memmap.h"

namespace quire {
namespace {

class DeviceTree : public testing::Test {
 protected:
  std::vector<std::uint8_t> blob_ = build_device_tree({.ram_bytes = 64 << 20,
                                                       .command_line = "quire.seed=7",
                                                       .initrd = InitrdRange{0x8400'0000, 0x8400'1234},
                                                       .seed = 7,
                                                       .virtio_slots = 8});
  const void* fdt() const { return blob_.data(); }
  std::string text(const char* path, const char* property) const {
    int length = 0;
    const auto* value = fdt_getprop(fdt(), fdt_path_offset(fdt(), path), property, &length);
    return value == nullptr
               ? "(missing)"
               : std::string(static_cast<const char*>(value), static_cast<std::size_t>(length) - 1);
  }
  std::uint64_t number(const char* path, const char* property, unsigned cell = 0) const {
    int length = 0;
    const auto* value =
        static_cast<const fdt32_t*>(fdt_getprop(fdt(), fdt_path_offset(fdt(), path), property, &length));
    return value == nullptr || length < static_cast<int>(4 * (cell + 1)) ? ~0ULL : fdt32_to_cpu(value[cell]);
  }
};

TEST_F(DeviceTree, IsWellFormed) { EXPECT_EQ(fdt_check_full(blob_.data(), blob_.size()), 0); }

TEST_F(DeviceTree, ChosenSaysHowToBoot) {
  EXPECT_EQ(text("/chosen", "bootargs"), "quire.seed=7");
  EXPECT_EQ(text("/chosen", "stdout-path"), "/soc/serial@10000000");
  EXPECT_EQ(number("/chosen", "linux,initrd-start", 1), 0x8400'0000U);
  EXPECT_EQ(number("/chosen", "linux,initrd-end", 1), 0x8400'1234U);
  EXPECT_EQ(text("/chosen", "rng-seed").size(), 31U);
}

TEST_F(DeviceTree, DescribesTheHart) {
  EXPECT_EQ(text("/cpus/cpu@0", "riscv,isa").substr(0, 10), "rv64imafdc");
  EXPECT_EQ(text("/cpus/cpu@0", "mmu-type"), "riscv,sv57");
  for (const char* property : {"riscv,cbom-block-size", "riscv,cbop-block-size", "riscv,cboz-block-size"}) {
    EXPECT_EQ(number("/cpus/cpu@0", property), 64U) << property;
  }
  EXPECT_EQ(number("/cpus", "timebase-frequency"), arch::kTimebaseHz);
}

TEST(DeviceTreeIsa, ClaimsTheExtensionsThatAreThere) {
  const std::vector<std::uint8_t> blob = build_device_tree({.ram_bytes = 64 << 20,
                                                            .command_line = "",
                                                            .initrd = {},
                                                            .seed = 0,
                                                            .virtio_slots = 0,
                                                            .extensions = completed({Extension::M})});
  const int cpu = fdt_path_offset(blob.data(), "/cpus/cpu@0");
  const auto* isa = static_cast<const char*>(fdt_getprop(blob.data(), cpu, "riscv,isa", nullptr));
  EXPECT_EQ(std::string(isa).substr(0, 7), "rv64im_");
  EXPECT_GE(fdt_stringlist_search(blob.data(), cpu, "riscv,isa-extensions", "m"), 0);
  EXPECT_GE(fdt_stringlist_search(blob.data(), cpu, "riscv,isa-extensions", "zicsr"), 0);
  EXPECT_LT(fdt_stringlist_search(blob.data(), cpu, "riscv,isa-extensions", "a"), 0);
  EXPECT_EQ(fdt_getprop(blob.data(), cpu, "riscv,cboz-block-size", nullptr), nullptr);
}

TEST_F(DeviceTree, DescribesTheBoardAtItsAddresses) {
  EXPECT_EQ(number("/memory@80000000", "reg", 1), arch::kRamBase);
  EXPECT_EQ(number("/memory@80000000", "reg", 3), 64U << 20);
  EXPECT_EQ(text("/soc/trace@10200000", "compatible"), "quire,trace-port");
  EXPECT_EQ(text("/soc/dma@10201000", "compatible"), "quire,dma");
  EXPECT_EQ(number("/soc/dma@10201000", "interrupts"), arch::kDmaIrq);
  EXPECT_EQ(number("/soc/virtio_mmio@10008000", "interrupts"), 8U);
  EXPECT_EQ(number("/soc/plic@c000000", "interrupts-extended", 3), 9U);
  EXPECT_EQ(number("/soc/clint@2000000", "reg", 3), 0x1'0000U);
}

TEST_F(DeviceTree, PowerNodesPointAtTheFinisher) {
  EXPECT_EQ(number("/poweroff", "regmap"), number("/soc/test@100000", "phandle"));
  EXPECT_EQ(number("/poweroff", "value"), arch::kFinisherPass);
  EXPECT_EQ(number("/reboot", "value"), arch::kFinisherReset);
}

TEST_F(DeviceTree, WithoutAScreenThereIsNoTraceOfOne) {
  EXPECT_LT(fdt_path_offset(fdt(), "/reserved-memory"), 0);
  EXPECT_LT(fdt_node_offset_by_compatible(fdt(), -1, "simple-framebuffer"), 0);
}

class DeviceTreeWithScreen : public DeviceTree {
 protected:
  DeviceTreeWithScreen() { blob_ = build_device_tree(inputs_); }
  const DeviceTreeInputs inputs_{.ram_bytes = 64 << 20,
                                 .command_line = "",
                                 .initrd = {},
                                 .seed = 0,
                                 .virtio_slots = 2,
                                 .framebuffer = Framebuffer{.address = 0x83c0'0000, .size = {640, 480}}};
};

TEST_F(DeviceTreeWithScreen, TellsTheFramebufferAsLinuxReadsIt) {
  const char* const node = "/chosen/framebuffer@83c00000";
  EXPECT_EQ(fdt_check_full(blob_.data(), blob_.size()), 0);
  EXPECT_EQ(text(node, "compatible"), "simple-framebuffer");
  EXPECT_EQ(number(node, "reg", 1), 0x83c0'0000U);
  EXPECT_EQ(number(node, "reg", 3), 640U * 480 * 4);
  EXPECT_EQ(number(node, "width"), 640U);
  EXPECT_EQ(number(node, "height"), 480U);
  EXPECT_EQ(number(node, "stride"), 2560U);
  EXPECT_EQ(text(node, "format"), "x8r8g8b8");
  EXPECT_EQ(number("/chosen", "#address-cells"), 2U);
}

TEST_F(DeviceTreeWithScreen, ReservesWholePagesForIt) {
  const char* const node = "/reserved-memory/framebuffer@83c00000";
  EXPECT_EQ(number(node, "reg", 1), 0x83c0'0000U);
  EXPECT_EQ(number(node, "reg", 3), 2U << 20);
  EXPECT_NE(fdt_getprop(fdt(), fdt_path_offset(fdt(), node), "no-map", nullptr), nullptr);
  EXPECT_EQ(number(node, "phandle"), number("/chosen/framebuffer@83c00000", "memory-region"));
}

TEST(DeviceTreeSeed, RngSeedFollowsTheSeedAlone) {
  const DeviceTreeInputs one{
      .ram_bytes = 64 << 20, .command_line = "", .initrd = {}, .seed = 1, .virtio_slots = 0};
  DeviceTreeInputs two = one;
  EXPECT_EQ(build_device_tree(one), build_device_tree(two));
  two.seed = 2;
  EXPECT_NE(build_device_tree(one), build_device_tree(two));
}

}  // namespace
}  // namespace quire
