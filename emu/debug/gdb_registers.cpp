#include "emu/debug/gdb_registers.h"

#include <fmt/format.h>

#include "quire/arch/names.h"

namespace quire::debug {
namespace {

/// As gdb wants it in its feature of the general registers.
const char* integer_name(unsigned number) {
  constexpr unsigned kFramePointer = 8;
  return number == kFramePointer ? "fp" : arch::kIntegerRegisterNames[number];
}

/// fflags, frm and fcsr, which gdb wants with the floating-point registers.
constexpr unsigned kLastFloatCsr = 3;

std::optional<std::uint64_t> read_csr(HartView& hart, unsigned number) {
  try {
    return hart.csr(number);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string register_xml(const char* name, unsigned number, const char* type) {
  return fmt::format("<reg name=\"{}\" bitsize=\"64\" regnum=\"{}\" type=\"{}\"/>\n", name, number, type);
}

std::string general_xml() {
  std::string xml = "<feature name=\"org.gnu.gdb.riscv.cpu\">\n";
  for (unsigned i = 0; i < arch::kRegisterCount; ++i) {
    const bool pointer = i == 2 || i == 3 || i == 4 || i == 8;  // sp, gp, tp, fp
    xml += register_xml(integer_name(i), i, i == 1 ? "code_ptr" : pointer ? "data_ptr" : "int");
  }
  return xml + register_xml("pc", kGdbPc, "code_ptr") + "</feature>\n";
}

std::string float_xml() {
  std::string xml =
      "<feature name=\"org.gnu.gdb.riscv.fpu\">\n"
      "<union id=\"riscv_double\">\n"
      "<field name=\"float\" type=\"ieee_single\"/>\n"
      "<field name=\"double\" type=\"ieee_double\"/>\n"
      "</union>\n";
  for (unsigned i = 0; i < arch::kRegisterCount; ++i) {
    xml += register_xml(arch::kFloatRegisterNames[i], kGdbFirstFloat + i, "riscv_double");
  }
  for (const arch::CsrName& csr : arch::kCsrNames) {
    if (csr.number <= kLastFloatCsr) xml += register_xml(csr.name, kGdbFirstCsr + csr.number, "int");
  }
  return xml + "</feature>\n";
}

std::string csr_xml(HartView& hart) {
  std::string xml = "<feature name=\"org.gnu.gdb.riscv.csr\">\n";
  for (const arch::CsrName& csr : arch::kCsrNames) {
    if (csr.number > kLastFloatCsr && read_csr(hart, csr.number)) {
      xml += register_xml(csr.name, kGdbFirstCsr + csr.number, "int");
    }
  }
  return xml + "</feature>\n";
}

}  // namespace

std::optional<std::uint64_t> read_register(HartView& hart, unsigned number) {
  if (number < kGdbPc) return hart.x(number);
  if (number == kGdbPc) return hart.pc();
  if (number < kGdbFirstCsr) return hart.f(number - kGdbFirstFloat);
  if (number < kGdbPrivilege) return read_csr(hart, number - kGdbFirstCsr);
  if (number == kGdbPrivilege) return static_cast<std::uint64_t>(hart.privilege());
  return std::nullopt;
}

bool write_register(HartView& hart, unsigned number, std::uint64_t value) {
  if (number < kGdbPc) {
    hart.set_x(number, value);
  } else if (number == kGdbPc) {
    if ((value & 1) != 0) return false;
    hart.set_pc(value);
  } else if (number < kGdbFirstCsr) {
    hart.set_f(number - kGdbFirstFloat, value);
  } else if (number < kGdbPrivilege) {
    try {
      hart.set_csr(number - kGdbFirstCsr, value);
    } catch (const Error&) {
      return false;
    }
  } else if (number == kGdbPrivilege && (value <= 1 || value == 3)) {
    hart.set_privilege(static_cast<arch::Privilege>(value));
  } else {
    return false;
  }
  return true;
}

std::string target_xml(HartView& hart) {
  return "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
         "<architecture>riscv:rv64</architecture>\n" +
         general_xml() + float_xml() + csr_xml(hart) + "<feature name=\"org.gnu.gdb.riscv.virtual\">\n" +
         register_xml("priv", kGdbPrivilege, "int") + "</feature>\n</target>\n";
}

std::string memory_map_xml(const MemoryView& memory) {
  const std::uint64_t end = memory.base() + memory.size_bytes();
  const auto region = [](std::uint64_t start, std::uint64_t length) {
    return fmt::format("<memory type=\"ram\" start=\"{:#x}\" length=\"{:#x}\"/>\n", start, length);
  };
  return "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map "
         "V1.0//EN\" "
         "\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n" +
         region(0, memory.base()) + region(memory.base(), memory.size_bytes()) + region(end, 0 - end) +
         "</memory-map>\n";
}

}  // namespace quire::debug
