// Makes small riscv64 ELF files for tests, well-formed unless the test spoils them: what is loaded is at the
// same place in a page in the file and in memory.
#pragma once

#include <cstring>
#include <vector>

#include "quire/arch/elf.h"

namespace quire::test {

class ElfBuilder {
 public:
  ElfBuilder() {
    const arch::u8 ident[] = {0x7f, 'E', 'L', 'F', arch::kElfClass64, arch::kElfDataLittle, 1};
    std::memcpy(header.ident, ident, sizeof ident);
    header.type = static_cast<arch::u16>(arch::ElfType::kExecutable);
    header.machine = arch::kElfMachineRiscv;
    header.version = 1;
    header.phoff = sizeof header;
    header.ehsize = sizeof header;
    header.phentsize = sizeof(arch::Elf64ProgramHeader);
  }

  /// A PT_LOAD of `contents` with `memsz` bytes in memory.
  ElfBuilder& load(arch::u64 vaddr, arch::u64 paddr, std::vector<arch::u8> contents, arch::u64 memsz) {
    segments.push_back({arch::SegmentType::kLoad, arch::kSegmentRead | arch::kSegmentExecute, 0, vaddr, paddr,
                        contents.size(), memsz, 4096});
    data.push_back(std::move(contents));
    return *this;
  }
  ElfBuilder& segment(arch::SegmentType type, arch::u64 vaddr, std::vector<arch::u8> contents) {
    segments.push_back({type, arch::kSegmentRead, 0, vaddr, vaddr, contents.size(), contents.size(), 1});
    data.push_back(std::move(contents));
    return *this;
  }

  std::vector<arch::u8> build() {
    header.phnum = static_cast<arch::u16>(segments.size());
    std::vector<arch::u8> file(sizeof header + segments.size() * sizeof segments[0]);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (segments[i].type == arch::SegmentType::kLoad) {
        file.resize(file.size() + (segments[i].vaddr - file.size()) % 4096);
      }
      segments[i].offset = file.size();
      file.insert(file.end(), data[i].begin(), data[i].end());
    }
    std::memcpy(file.data(), &header, sizeof header);
    if (!segments.empty()) {
      std::memcpy(file.data() + sizeof header, segments.data(), segments.size() * sizeof segments[0]);
    }
    return file;
  }

  arch::Elf64Header header{};
  std::vector<arch::Elf64ProgramHeader> segments;
  std::vector<std::vector<arch::u8>> data;
};

/// Overwrites a field of the file's header or of a program header.
template <class T>
void poke(std::vector<arch::u8>& file, std::size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}
inline constexpr std::size_t segment_field(unsigned index, std::size_t field) {
  return sizeof(arch::Elf64Header) + index * sizeof(arch::Elf64ProgramHeader) + field;
}

}  // namespace quire::test
