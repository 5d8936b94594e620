// ISA strings ("rv64imafdc_zicsr_zba"): what `--isa` takes and what the device tree says (Unprivileged ISA
// 20240411, chapter "ISA Extension Naming Conventions"; Linux's riscv/extensions.yaml binding).
//
// emu/isa/extensions.inc is the list of names; nothing here knows one of them but the shorthands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emu/isa/extension.h"

namespace quire {

/// The extensions `text` asks for, with what they build upon and what no machine lacks. Upper case is as good
/// as lower, any order will do; g stands for imafd_zicsr_zifencei. Empty text: kDefaultExtensions.
/// Throws Error(kUsage) with one line that names what is wrong.
ExtensionSet parse_isa(std::string_view text);

/// In canonical order; what parse_isa reads back as `set`.
std::string isa_string(ExtensionSet set);

/// The same names, one by one.
std::vector<std::string> isa_names(ExtensionSet set);

}  // namespace quire
