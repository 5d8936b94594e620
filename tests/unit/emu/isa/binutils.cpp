#include "tests/unit/emu/isa/binutils.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace quire::test {
namespace {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "quire-binutils-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const void* data, usize len_bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(len_bytes));
}

// What of the hart's extensions makes a difference to an assembler.
constexpr const char* kArchitecture =
    "rv64imafdc_zicbom_zicbop_zicboz_zicond_zicsr_zifencei_zihintpause_zacas_zawrs_zfa_zfh_zba_zbb_zbc_zbkb_"
    "zbs_"
    "svinval";

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) text += static_cast<char>(c);
  if (pclose(pipe) != 0) throw std::runtime_error(command + " failed");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string tool(const std::string& name) {
  static const std::string folder = output_of(QUIRE_SOURCE_DIR "/tools/riscv-binutils");
  return folder + "/" + name + " ";
}

void run(const TempDir& dir, const std::string& command) {
  const std::string errors = dir.file("errors");
  if (std::system((command + " 2>" + errors).c_str()) == 0) return;
  throw std::runtime_error(command + " failed:\n" + read_text(errors).substr(0, 4000));
}

void assemble_file(const TempDir& dir, const std::string& source) {
  write_bytes(dir.file("a.s"), source.data(), source.size());
  run(dir,
      tool("as") + "-march=" + kArchitecture + " -mno-relax " + dir.file("a.s") + " -o " + dir.file("a.o"));
}

/// One .insn for every instruction, so that the disassembler takes none for data and knows the architecture.
std::string as_source(const std::vector<u8>& code) {
  std::ostringstream text;
  for (usize at = 0; at + 1 < code.size();) {
    const unsigned length = (code[at] & 3) == 3 && at + 3 < code.size() ? 4 : 2;
    u32 word = 0;
    for (unsigned n = 0; n < length; ++n) word |= u32{code[at + n]} << (8 * n);
    text << ".insn " << length << ", " << word << "\n";
    at += length;
  }
  return text.str();
}

}  // namespace

std::vector<u8> assemble(const std::string& source) {
  const TempDir dir;
  assemble_file(dir, source);
  run(dir, tool("objcopy") + "-O binary -j .text " + dir.file("a.o") + " " + dir.file("a.bin"));
  const std::string bytes = read_text(dir.file("a.bin"));
  return {bytes.begin(), bytes.end()};
}

std::vector<Disassembled> disassemble(const std::vector<u8>& code, const std::string& options) {
  const TempDir dir;
  assemble_file(dir, as_source(code));
  run(dir, tool("objdump") + "-z -d --no-show-raw-insn -M " + options + " " + dir.file("a.o") + " >" +
               dir.file("a.txt"));
  std::vector<Disassembled> lines;
  std::istringstream text(read_text(dir.file("a.txt")));
  for (std::string line; std::getline(text, line);) {
    // "   1c:<tab>addi<tab>x1,x2,3 # comment"
    const auto colon = line.find(":\t");
    if (colon == std::string::npos) continue;
    const auto tab = line.find('\t', colon + 2);
    Disassembled d{std::stoull(line.substr(0, colon), nullptr, 16), line.substr(colon + 2, tab - colon - 2),
                   ""};
    if (tab != std::string::npos) d.operands = line.substr(tab + 1, line.find(" #", tab) - tab - 1);
    while (!d.mnemonic.empty() && d.mnemonic.back() == ' ') d.mnemonic.pop_back();
    lines.push_back(d);
  }
  return lines;
}

}  // namespace quire::test
