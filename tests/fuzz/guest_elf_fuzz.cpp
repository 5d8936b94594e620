// Any bytes as the supervisor's execve() sees a file: its ELF checks and its script line.
//
// What passes must be what guest/proc/elf_image.h promises; every promise is checked anew from the bytes, as
// the loader would then use them.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "guest/proc/elf_image.h"
#include "guest/proc/script.h"
#include "quire/arch/sv39.h"

namespace kernel {
namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

bool inside(u64 start, u64 count, u64 limit) { return start <= limit && count <= limit - start; }

/// The file's first bytes as a structure, as the loader copies it out.
template <class T>
T copy_at(ConstByteSpan file, u64 offset) {
  require(inside(offset, sizeof(T), file.size()));
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

void check_loads(ConstByteSpan file, const std::vector<Elf64ProgramHeader>& headers, const ElfImage& image) {
  u64 free_from = 0;
  u64 first = ~u64{0};
  for (const auto& segment : headers) {
    if (segment.type != SegmentType::kLoad || segment.memsz == 0) {
      continue;
    }
    require(inside(segment.offset, segment.filesz, file.size()) && segment.filesz <= segment.memsz);
    require(inside(segment.vaddr, segment.memsz, kSv39UserTop));
    require((segment.vaddr - segment.offset) % kPageBytes == 0);
    const u64 start = align_down(segment.vaddr, kPageBytes);
    require(start >= free_from);
    first = std::min(first, start);
    free_from = align_up(segment.vaddr + segment.memsz, kPageBytes);
  }
  require(first == image.low && free_from == image.high && image.low < image.high);
  require(image.high <= kSv39UserTop && image.entry < kSv39UserTop);
}

void use_as_elf(ConstByteSpan file) {
  if (file.size() < sizeof(Elf64Header)) {
    return;
  }
  const auto header = copy_at<Elf64Header>(file, 0);
  const auto table_bytes = check_elf_header(header, file.size());
  if (!table_bytes.ok()) {
    require(table_bytes.error() == Errno::kENOEXEC);
    return;
  }
  require(table_bytes.value() == header.phnum * sizeof(Elf64ProgramHeader) && header.phnum != 0);
  std::vector<Elf64ProgramHeader> headers;
  for (u64 i = 0; i < header.phnum; ++i) {
    headers.push_back(copy_at<Elf64ProgramHeader>(file, header.phoff + i * sizeof(Elf64ProgramHeader)));
  }
  const auto checked = check_elf_image(header, headers, file.size());
  if (!checked.ok()) {
    require(checked.error() == Errno::kENOEXEC || checked.error() == Errno::kENOMEM);
    return;
  }
  const ElfImage& image = checked.value();
  check_loads(file, headers, image);
  require(image.type == ElfType::kExecutable || image.type == ElfType::kShared);
  require(image.alignment >= kPageBytes && (image.alignment & (image.alignment - 1)) == 0 &&
          image.alignment <= kSv39UserTop);
  require(image.program_header_count == header.phnum);
  if (image.interpreter != nullptr) {
    require(image.interpreter >= headers.data() && image.interpreter < headers.data() + headers.size());
    require(inside(image.interpreter->offset, image.interpreter->filesz, file.size()) &&
            image.interpreter->filesz >= 2 && image.interpreter->filesz <= kMaxInterpreterBytes);
  }
}

bool within(StringView part, StringView whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void use_as_script(StringView head) {
  const auto script = parse_script(head);
  if (!script) {
    return;
  }
  constexpr StringView kEnds("\n\0", 2);
  require(head.starts_with("#!") && within(script->interpreter, head));
  require(!script->interpreter.empty() && script->interpreter.find_first_of(" \t") == StringView::npos);
  require(script->interpreter.find_first_of(kEnds) == StringView::npos);
  if (!script->option.empty()) {
    require(within(script->option, head) && script->option.find_first_of(kEnds) == StringView::npos);
    require(script->option.data() > script->interpreter.data() + script->interpreter.size());
    require(StringView(" \t").find(script->option.front()) == StringView::npos &&
            StringView(" \t").find(script->option.back()) == StringView::npos);
  }
}

}  // namespace
}  // namespace kernel

extern "C" int LLVMFuzzerTestOneInput(const kernel::u8* data, std::size_t size) {
  const kernel::ConstByteSpan file(data, size);
  kernel::use_as_elf(file);
  kernel::use_as_script(kernel::as_text(file.first(std::min(size, kernel::kExecHeadBytes))));
  return 0;
}
