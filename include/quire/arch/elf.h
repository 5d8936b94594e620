// ELF64 as far as loaders of riscv64 files need it (System V gABI chapters 4 and 5; RISC-V ELF psABI 1.0,
// chapter 8).
//
// Plain structures of the file, little-endian like both sides of the machine. A file is foreign
// bytes: copy a structure out of a bounds-checked range, and check every number before it is used.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr usize kElfIdentBytes = 16;
inline constexpr u8 kElfMagic[4] = {0x7f, 'E', 'L', 'F'};

/// Indices into e_ident.
inline constexpr unsigned kElfIdentClass = 4;
inline constexpr unsigned kElfIdentData = 5;
inline constexpr unsigned kElfIdentVersion = 6;

inline constexpr u8 kElfClass32 = 1;
inline constexpr u8 kElfClass64 = 2;
inline constexpr u8 kElfDataLittle = 1;
inline constexpr u8 kElfDataBig = 2;
inline constexpr u32 kElfVersionCurrent = 1;

enum class ElfType : u16 { kNone = 0, kRelocatable = 1, kExecutable = 2, kShared = 3, kCore = 4 };

/// e_machine; only the ones that error messages name.
inline constexpr u16 kElfMachine386 = 3;
inline constexpr u16 kElfMachineArm = 40;
inline constexpr u16 kElfMachineX86_64 = 62;
inline constexpr u16 kElfMachineAarch64 = 183;
inline constexpr u16 kElfMachineRiscv = 243;

/// e_flags of RISC-V.
inline constexpr u32 kElfRiscvRvc = 0x1;
inline constexpr u32 kElfRiscvFloatAbi = 0x6;
inline constexpr u32 kElfRiscvRve = 0x8;

struct Elf64Header {
  u8 ident[kElfIdentBytes];
  u16 type;
  u16 machine;
  u32 version;
  u64 entry;
  u64 phoff;
  u64 shoff;
  u32 flags;
  u16 ehsize;
  u16 phentsize;
  u16 phnum;
  u16 shentsize;
  u16 shnum;
  u16 shstrndx;
};
static_assert(sizeof(Elf64Header) == 64 && offsetof(Elf64Header, entry) == 24);
static_assert(offsetof(Elf64Header, phentsize) == 54 && offsetof(Elf64Header, shstrndx) == 62);

enum class SegmentType : u32 {
  kNull = 0,
  kLoad = 1,
  kDynamic = 2,
  kInterp = 3,
  kNote = 4,
  kShlib = 5,
  kPhdr = 6,
  kTls = 7,
  kGnuEhFrame = 0x6474'e550,
  kGnuStack = 0x6474'e551,
  kGnuRelro = 0x6474'e552,
  kGnuProperty = 0x6474'e553,
  kRiscvAttributes = 0x7000'0003,
};

/// p_flags.
inline constexpr u32 kSegmentExecute = 1;
inline constexpr u32 kSegmentWrite = 2;
inline constexpr u32 kSegmentRead = 4;

struct Elf64ProgramHeader {
  SegmentType type;
  u32 flags;
  u64 offset;
  u64 vaddr;
  u64 paddr;
  u64 filesz;
  u64 memsz;
  u64 align;
};
static_assert(sizeof(Elf64ProgramHeader) == 56 && offsetof(Elf64ProgramHeader, memsz) == 40);

enum class SectionType : u32 {
  kNull = 0,
  kProgbits = 1,
  kSymtab = 2,
  kStrtab = 3,
  kRela = 4,
  kHash = 5,
  kDynamic = 6,
  kNote = 7,
  kNobits = 8,
  kRel = 9,
  kDynsym = 11,
};

struct Elf64SectionHeader {
  u32 name;
  SectionType type;
  u64 flags;
  u64 addr;
  u64 offset;
  u64 size;
  u32 link;
  u32 info;
  u64 addralign;
  u64 entsize;
};
static_assert(sizeof(Elf64SectionHeader) == 64 && offsetof(Elf64SectionHeader, entsize) == 56);

struct Elf64Symbol {
  u32 name;
  u8 info;  ///< binding << 4 | type
  u8 other;
  u16 shndx;
  u64 value;
  u64 size;

  constexpr u8 binding() const { return info >> 4; }
  constexpr u8 type() const { return info & 0xf; }
};
static_assert(sizeof(Elf64Symbol) == 24 && offsetof(Elf64Symbol, value) == 8);

inline constexpr u16 kSectionUndefined = 0;
inline constexpr u16 kSectionAbsolute = 0xfff1;
inline constexpr u8 kBindLocal = 0;
inline constexpr u8 kBindGlobal = 1;
inline constexpr u8 kBindWeak = 2;
inline constexpr u8 kSymbolNoType = 0;
inline constexpr u8 kSymbolObject = 1;
inline constexpr u8 kSymbolFunction = 2;

enum class DynamicTag : i64 {
  kNull = 0,
  kNeeded = 1,
  kHash = 4,
  kStrtab = 5,
  kSymtab = 6,
  kRela = 7,
  kRelaSize = 8,
  kRelaEntry = 9,
  kStrSize = 10,
  kSymEntry = 11,
  kSoname = 14,
  kRpath = 15,
  kRunpath = 29,
  kFlags1 = 0x6fff'fffb,
};

struct Elf64Dynamic {
  DynamicTag tag;
  u64 value;
};
static_assert(sizeof(Elf64Dynamic) == 16);

struct Elf64Rela {
  u64 offset;
  u64 info;
  i64 addend;

  constexpr u32 type() const { return static_cast<u32>(info); }
  constexpr u32 symbol() const { return static_cast<u32>(info >> 32); }
};
static_assert(sizeof(Elf64Rela) == 24);

struct Elf64NoteHeader {
  u32 namesz;
  u32 descsz;
  u32 type;
};
static_assert(sizeof(Elf64NoteHeader) == 12);

}  // namespace quire::arch
