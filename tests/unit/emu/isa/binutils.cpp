#include "tests/unit/emu/isa/binutils.h"

#include <unistd.h>

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

void run(const TempDir& dir, const std::string& command) {
  const std::string errors = dir.file("errors");
  const int status = std::system((command + " 2>" + errors).c_str());
  if (status == 0) return;
  if (WEXITSTATUS(status) == 127) throw std::runtime_error("install binutils-riscv64-linux-gnu: " + command);
  throw std::runtime_error(command + " failed:\n" + read_text(errors).substr(0, 4000));
}

}  // namespace

std::vector<u8> assemble(const std::string& source) {
  const TempDir dir;
  write_bytes(dir.file("a.s"), source.data(), source.size());
  run(dir, "riscv64-linux-gnu-as -march=rv64gc -mno-relax " + dir.file("a.s") + " -o " + dir.file("a.o"));
  run(dir, "riscv64-linux-gnu-objcopy -O binary -j .text " + dir.file("a.o") + " " + dir.file("a.bin"));
  const std::string bytes = read_text(dir.file("a.bin"));
  return {bytes.begin(), bytes.end()};
}

std::vector<Disassembled> disassemble(const std::vector<u8>& code, const std::string& options) {
  const TempDir dir;
  write_bytes(dir.file("a.bin"), code.data(), code.size());
  run(dir, "riscv64-linux-gnu-objdump -z -D -b binary -m riscv:rv64 --no-show-raw-insn -M " + options + " " +
               dir.file("a.bin") + " >" + dir.file("a.txt"));
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
