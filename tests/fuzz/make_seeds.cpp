// Writes the fuzzers' first inputs: make_seeds DIR makes DIR/NAME/* for each fuzzer that needs them.
//
// Well-formed files of the formats, small, so that mutations start behind the first checks. The other fuzzers
// build what they need out of any bytes.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "emu/launch/guest_tree.h"
#include "emu/machine/device_tree.h"
#include "tests/fuzz/boot_input.h"
#include "tests/fuzz/insn_encodings.h"
#include "tests/fuzz/snapshot_input.h"
#include "tests/unit/emu/machine/elf_builder.h"
extern "C" {
#include <libfdt.h>
}

namespace {

using namespace quire;
using namespace std::string_literals;
using Bytes = std::vector<std::uint8_t>;

void write(const std::filesystem::path& directory, const std::string& name, const Bytes& bytes) {
  std::filesystem::create_directories(directory);
  std::ofstream file(directory / name, std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.flush();
}

Bytes text(const std::string& characters) { return {characters.begin(), characters.end()}; }

template <class T>
void append(Bytes& out, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

/// A position-independent program with an interpreter, needed libraries and a stack's permissions.
Bytes dynamic_program() {
  constexpr std::uint64_t kStrings = 0x2000;
  const std::string strings = "\0libc.so.6\0libm.so.6\0$ORIGIN/../lib\0"s;
  Bytes dynamic;
  for (const auto& [tag, value] :
       std::vector<std::pair<arch::DynamicTag, std::uint64_t>>{{arch::DynamicTag::kNeeded, 1},
                                                               {arch::DynamicTag::kNeeded, 11},
                                                               {arch::DynamicTag::kRunpath, 21},
                                                               {arch::DynamicTag::kStrtab, kStrings},
                                                               {arch::DynamicTag::kNull, 0}}) {
    append(dynamic, arch::Elf64Dynamic{tag, value});
  }
  test::ElfBuilder builder;
  builder.header.type = static_cast<arch::u16>(arch::ElfType::kShared);
  builder.header.entry = 0x1000;
  builder.segment(arch::SegmentType::kInterp, 0, text("/lib/ld-linux-riscv64-lp64d.so.1\0"s));
  builder.load(kStrings, kStrings, text(strings), 0x100);
  builder.segment(arch::SegmentType::kDynamic, 0x3000, dynamic);
  builder.segment(arch::SegmentType::kGnuStack, 0, {});
  return builder.build();
}

/// With section headers and two symbols behind the segments.
Bytes program_with_symbols(std::uint64_t base) {
  test::ElfBuilder builder;
  builder.header.entry = base;
  builder.header.shentsize = sizeof(arch::Elf64SectionHeader);
  builder.header.shnum = 3;
  builder.load(base, base, Bytes(64, 0x13), 0x1000);
  const std::uint64_t names_at = builder.build().size();
  const Bytes names = text("\0tohost\0_start\0"s);
  Bytes symbols(sizeof(arch::Elf64Symbol));
  append(symbols,
         arch::Elf64Symbol{.name = 1, .info = 0x10, .other = 0, .shndx = 1, .value = base + 32, .size = 8});
  append(symbols,
         arch::Elf64Symbol{.name = 8, .info = 0x12, .other = 0, .shndx = 1, .value = base, .size = 4});
  const std::uint64_t symbols_at = names_at + names.size();
  builder.header.shoff = symbols_at + symbols.size();
  Bytes file = builder.build();
  file.insert(file.end(), names.begin(), names.end());
  file.insert(file.end(), symbols.begin(), symbols.end());
  arch::Elf64SectionHeader sections[3] = {};
  sections[1].type = arch::SectionType::kSymtab;
  sections[1].offset = symbols_at;
  sections[1].size = symbols.size();
  sections[1].link = 2;
  sections[1].entsize = sizeof(arch::Elf64Symbol);
  sections[2].type = arch::SectionType::kStrtab;
  sections[2].offset = names_at;
  sections[2].size = names.size();
  append(file, sections);
  return file;
}

/// The header of a Linux Image (Documentation/arch/riscv/boot-image-header.rst).
Bytes linux_image() {
  Bytes image;
  append(image, std::uint64_t{0x0000'0013'0000'006f});
  append(image, std::uint64_t{0x20'0000});  // text_offset
  append(image, std::uint64_t{0x1000});     // image_size
  append(image, std::uint64_t{0});          // flags
  append(image, std::uint32_t{2});          // version
  append(image, std::uint32_t{0});
  append(image, std::uint64_t{0});
  append(image, std::uint64_t{0x0000'5643'5349'52});  // "RISCV"
  append(image, std::uint32_t{0x0543'5352});          // "RSC\x05"
  append(image, std::uint32_t{0});
  image.resize(256);
  return image;
}

Bytes board_tree() {
  return build_device_tree({.ram_bytes = 16 << 20,
                            .command_line = "quire.seed=7 console=ttyS0",
                            .initrd = InitrdRange{0x8800'0000, 0x8810'0000},
                            .seed = 7,
                            .virtio_slots = 3});
}

/// Not as our own code makes them: a reservation, a name with an address, empty properties, NOPs, /chosen or
/// none.
Bytes foreign_tree(bool with_chosen) {
  Bytes tree(4096);
  void* at = tree.data();
  int result = fdt_create(at, static_cast<int>(tree.size()));
  result |= fdt_add_reservemap_entry(at, 0x8000'0000, 0x1000) | fdt_finish_reservemap(at);
  result |=
      fdt_begin_node(at, "") | fdt_property_u32(at, "#address-cells", 2) | fdt_property(at, "ranges", "", 0);
  result |= fdt_begin_node(at, "memory@80000000") | fdt_property_string(at, "device_type", "memory");
  result |= fdt_property_u64(at, "reg", 0x8000'0000) | fdt_end_node(at);
  if (with_chosen) {
    result |= fdt_begin_node(at, "chosen") | fdt_property_string(at, "bootargs", "of the file");
    result |= fdt_begin_node(at, "module@0") | fdt_end_node(at) | fdt_end_node(at);
  }
  result |= fdt_begin_node(at, "gone") | fdt_property_u32(at, "gone", 1) | fdt_end_node(at);
  result |= fdt_end_node(at) | fdt_finish(at);
  result |= fdt_nop_node(at, fdt_path_offset(at, "/gone"));
  if (result != 0) {
    std::cerr << "make_seeds: libfdt refuses the foreign tree\n";
    std::exit(1);
  }
  tree.resize(fdt_totalsize(at));
  return tree;
}

void write_trees(const std::filesystem::path& directory) {
  const std::pair<const char*, Bytes> trees[] = {
      {"board", board_tree()}, {"chosen", foreign_tree(true)}, {"bare", foreign_tree(false)}};
  for (const auto& [name, tree] : trees) {
    for (const std::uint8_t choice : {0, 3, 7}) {
      Bytes input = tree;
      input.push_back(choice);
      write(directory, name + std::to_string(choice), input);
    }
  }
}

Bytes boot_input(std::uint8_t mode, bool screen, const Bytes& firmware, const Bytes& tree,
                 const Bytes& initrd, const Bytes& kernel) {
  Bytes out;
  append(out, fuzz::BootInput{.mode = mode,
                              .screen = screen,
                              .firmware_bytes = static_cast<std::uint16_t>(firmware.size()),
                              .tree_bytes = static_cast<std::uint16_t>(tree.size()),
                              .initrd_bytes = static_cast<std::uint16_t>(initrd.size())});
  for (const Bytes* part : {&firmware, &tree, &initrd, &kernel}) {
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

void write_boots(const std::filesystem::path& directory) {
  const Bytes high = program_with_symbols(0x8020'0000);
  const Bytes raw(64, 0x13);
  write(directory, "bare", boot_input(0, false, {}, {}, {}, program_with_symbols(0x8000'0000)));
  write(directory, "linux", boot_input(1, false, {}, {}, Bytes(40, 1), linux_image()));
  write(directory, "screen", boot_input(1, true, {}, {}, Bytes(3, 1), high));
  write(directory, "tree", boot_input(1, false, {}, foreign_tree(true), Bytes(3, 1), linux_image()));
  write(directory, "firmware", boot_input(2, false, dynamic_program(), board_tree(), {}, linux_image()));
  write(directory, "raw", boot_input(2, true, raw, {}, Bytes(1, 1), raw));
  write(directory, "alone", boot_input(2, false, program_with_symbols(0x8000'0000), {}, {}, {}));
}

/// Sessions as gdb holds them, framed by the fuzzer, and one as raw bytes.
void write_gdb_sessions(const std::filesystem::path& directory) {
  write(directory, "start",
        text("1qSupported:swbreak+;hwbreak+\nQStartNoAckMode\nqXfer:features:read:target.xml:0,3ffb\n?\nqC\n"
             "qXfer:memory-map:read::0,3ffb\nqfThreadInfo\nqsThreadInfo\nHg0\ng\np341\nm80000000,40\n"));
  write(directory, "stops",
        text("1Z0,80000008,2\nZ2,80001010,8\nZ4,80001000,2000\nvCont;c\nvCont;s:1;c\nvCont;r80000000,"
             "80000010:1\n"
             "z2,80001010,8\nz4,80001000,2000\nc\ns80000004\nD\n"));
  write(directory, "writes",
        text("1G" + std::string(528, '0') +
             "\nP5=0100000000000000\nM80001000,4:01020304\nX80001000,2:ab\n"
             "P1041=0100000000000000\nP1c5=0000080000000080\nQqemu.PhyMemMode:1\nm80001000,8\nvKill;1\nvRun;"
             "\n"));
  write(directory, "monitor",
        text("1qRcmd,68656c70\nqRcmd,696e666f\nqRcmd,746c62\nqRcmd,77616c6b20307838303030303030302065786563\n"
             "qRcmd,64697361732024706320343030\nqRcmd,73796d626f6c20307838302b34\nqRcmd,70687973206f6e\n"));
  write(directory, "raw", text("0+$?#3f-\3$m80000000,4#5b$X80001000,1:}]#00$vCont;c#a8"));
}

void write_elf_files(const std::filesystem::path& directory) {
  const Bytes bare = program_with_symbols(0x8000'0000);
  write(directory, "bare", bare);
  write(directory, "static", program_with_symbols(0x1'0000));
  write(directory, "dynamic", dynamic_program());
  write(directory, "two_segments",
        test::ElfBuilder()
            .load(0x1'0000, 0x8000'0000, Bytes(32, 1), 32)
            .load(0x1'2000, 0x8000'2000, Bytes(16, 2), 0x3000)
            .build());
}

Bytes archive() {
  GuestTree tree;
  tree.add_file("/init", text("#!/bin/sh\n"), 0755);
  tree.add_file("/etc/motd", text("odd"), 0644);
  tree.add_symlink("/bin/sh", "busybox");
  tree.add_directory("/tmp", 01777);
  return tree.to_cpio();
}

/// Every start state with instructions of every kind.
void write_programs(const std::filesystem::path& directory) {
  constexpr unsigned kPrograms = 96;
  constexpr unsigned kInstructions = 60;
  fuzz::Random random(1);
  for (unsigned n = 0; n < kPrograms; ++n) {
    Bytes program;
    append(program, fuzz::Header{.ram = static_cast<u8>(n),
                                 .tlb = static_cast<u8>(n / 4),
                                 .mode = static_cast<u8>(n),
                                 .paging = static_cast<u8>(n / 8),
                                 .budget = 1000,
                                 .events = static_cast<u8>(n % 5),
                                 .place = static_cast<u8>(random.next()),
                                 .registers_seed = static_cast<u32>(random.next()),
                                 .world_seed = static_cast<u32>(random.next())});
    for (unsigned i = 0; i < kInstructions; ++i) {
      append(program, fuzz::random_encoding(random));
    }
    write(directory, std::to_string(n), program);
  }
}

/// Long lists of steps: what the steps are, any bytes say.
void write_9p_sessions(const std::filesystem::path& directory) {
  constexpr unsigned kSessions = 64;
  constexpr unsigned kBytes = 1200;
  fuzz::Random random(9);
  for (unsigned n = 0; n < kSessions; ++n) {
    Bytes session{static_cast<u8>(n % 8)};
    while (session.size() < kBytes) {
      // Mostly small numbers, which name fids and files that exist.
      const auto value = random.next();
      session.push_back(static_cast<u8>(value % 4 == 0 ? value >> 8 : (value >> 8) % 28));
    }
    write(directory, std::to_string(n), session);
  }
}

/// What is inside a file that Snapshot::save() wrote.
Bytes contents_of(const Bytes& file) {
  Bytes out(64 << 20);
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), file.data() + fuzz::kSnapshotHeaderBytes,
                                           file.size() - fuzz::kSnapshotHeaderBytes);
  if (ZSTD_isError(size) != 0) {
    throw std::runtime_error(ZSTD_getErrorName(size));
  }
  out.resize(size);
  return out;
}

void write_snapshots(const std::filesystem::path& directory) {
  const std::filesystem::path drive = fuzz::scratch_file("drive");
  const std::filesystem::path path = fuzz::scratch_file("snapshot");
  fuzz::make_drive(drive);
  {
    Machine machine(fuzz::snapshot_machine(drive.string()));
    unsigned number = 0;
    for (const Snapshot& snapshot : {machine.snapshot(), fuzz::worked(machine)}) {
      snapshot.save(path.string());
      std::ifstream in(path, std::ios::binary);
      Bytes file{std::istreambuf_iterator<char>(in), {}};
      Bytes contents = contents_of(file);
      file.insert(file.begin(), static_cast<std::uint8_t>(fuzz::SnapshotInput::kFile));
      contents.insert(contents.begin(), static_cast<std::uint8_t>(fuzz::SnapshotInput::kContents));
      write(directory, "file" + std::to_string(number), file);
      write(directory, "contents" + std::to_string(number), contents);
      // Number of pages, each with its index, and the end.
      contents.resize(contents.size() - 8 - snapshot.pages() * (8 + 4096) - 8);
      contents[0] = static_cast<std::uint8_t>(fuzz::SnapshotInput::kState);
      write(directory, "state" + std::to_string(number++), contents);
    }
  }
  std::filesystem::remove(drive);
  std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_seeds DIR\n";
    return 2;
  }
  const std::filesystem::path root = argv[1];
  write_programs(root / "fuzz_insn");
  write_9p_sessions(root / "fuzz_9p");
  write_elf_files(root / "fuzz_elf");
  write(root / "fuzz_elf", "image", linux_image());
  write(root / "fuzz_elf", "map", text("ffffffff80000000 T _start\nffffffff80000040 t one\t[module]\n"));
  write_boots(root / "fuzz_boot");
  write_trees(root / "fuzz_dtb");
  write_snapshots(root / "fuzz_snapshot");
  write_elf_files(root / "fuzz_guest_elf");
  write_gdb_sessions(root / "fuzz_gdb");
  write(root / "fuzz_guest_elf", "script", text("#! /usr/bin/env -S awk -f \nBEGIN {}\n"));

  const Bytes one = archive();
  Bytes two = one;
  two.insert(two.end(), one.begin(), one.end());
  write(root / "fuzz_guest_cpio", "one", one);
  write(root / "fuzz_guest_cpio", "two", two);

  write(root / "fuzz_guest_fdt", "board", board_tree());
  write(root / "fuzz_guest_fdt", "foreign", foreign_tree(true));
  write(root / "fuzz_guest_fdt", "plain",
        build_device_tree(
            {.ram_bytes = 16 << 20, .command_line = "", .initrd = {}, .seed = 0, .virtio_slots = 0}));
  return 0;
}
