#include "guest/proc/elf_loader.h"

#include <cstring>

namespace kernel {

namespace {

u32 segment_prot(u32 flags) {
  u32 prot = kProtNone;
  prot |= (flags & kSegmentRead) != 0 ? u32{kProtRead} : 0;
  prot |= (flags & kSegmentWrite) != 0 ? u32{kProtWrite} : 0;
  prot |= (flags & kSegmentExecute) != 0 ? u32{kProtExec} : 0;
  return prot;
}

constexpr u64 page_up(u64 value) { return align_up(value, kPageBytes); }
constexpr u64 page_down(u64 value) { return align_down(value, kPageBytes); }

/// The rest of the last file page belongs to .bss.
KResult<void> clear_page_tail(AddressSpace& space, u64 from) {
  static constexpr u8 kZeros[256] = {};
  const u64 end = page_up(from);
  while (from < end) {
    const u64 bytes = std::min<u64>(end - from, sizeof(kZeros));
    TRY(space.write(VirtAddr(from), ConstByteSpan(kZeros, bytes), AddressSpace::Force::kYes));
    from += bytes;
  }
  return {};
}

KResult<void> load_segment(AddressSpace& space, const ElfFile& elf, const Elf64ProgramHeader& segment,
                           u64 bias) {
  const u64 start = segment.vaddr + bias;
  const u64 file_end = start + segment.filesz;
  const u64 mapped_end = segment.filesz == 0 ? page_down(start) : page_up(file_end);
  const u32 prot = segment_prot(segment.flags);
  if (segment.filesz != 0) {
    TRY(space.map({.address = VirtAddr(page_down(start)),
                   .bytes = mapped_end - page_down(start),
                   .prot = prot,
                   .flags = kMapPrivate | kMapFixed,
                   .file = elf.executable->file(),
                   .offset = page_down(segment.offset)}));
    if (segment.memsz > segment.filesz) {
      TRY(clear_page_tail(space, file_end));
    }
  }
  const u64 end = page_up(start + segment.memsz);
  if (end > mapped_end) {
    TRY(space.map({.address = VirtAddr(mapped_end),
                   .bytes = end - mapped_end,
                   .prot = prot,
                   .flags = kMapPrivate | kMapFixed | kMapAnonymous,
                   .file = nullptr,
                   .offset = 0}));
  }
  return {};
}

}  // namespace

KResult<RefPtr<Executable>> Executable::open(const FsContext& context, const Path& path) {
  Inode& inode = path.inode();
  if (!inode.is_regular()) {
    return Err(Errno::kEACCES);
  }
  TRY(check_access(context.credentials, inode, kAccessExecute));
  auto file = TRY(File::open(path, kOpenReadOnly));
  TRY(inode.begin_execute());
  auto executable = try_make_ref<Executable>(std::move(file));
  if (!executable.ok()) {
    inode.end_execute();
  }
  return executable;
}

Executable::~Executable() { inode().end_execute(); }

KResult<void> Executable::read(u64 position, ByteSpan to) const {
  auto buffer = IoBuffer::kernel(to);
  while (buffer.remaining() > 0) {
    const usize count = TRY(file_->read_at(static_cast<i64>(position + buffer.done()), buffer));
    if (count == 0) {
      return Err(Errno::kENOEXEC);
    }
  }
  return {};
}

KResult<ElfFile> ElfFile::read(RefPtr<Executable> executable) {
  const u64 file_bytes = executable->inode().size();
  Elf64Header header;
  if (file_bytes < sizeof(header)) {
    return Err(Errno::kENOEXEC);
  }
  TRY(executable->read(0, ByteSpan(reinterpret_cast<u8*>(&header), sizeof(header))));
  const usize table_bytes = TRY(check_elf_header(header, file_bytes));
  Vector<Elf64ProgramHeader> headers;
  TRY(headers.resize(header.phnum));
  TRY(executable->read(header.phoff, ByteSpan(reinterpret_cast<u8*>(headers.data()), table_bytes)));
  const ElfImage image = TRY(check_elf_image(header, headers.span(), file_bytes));
  // Moving the vector leaves its elements where they are, so `image` stays valid.
  return ElfFile{std::move(executable), std::move(headers), image};
}

KResult<String> ElfFile::interpreter() const {
  if (image.interpreter == nullptr) {
    return String();
  }
  Vector<char> text;
  TRY(text.resize(image.interpreter->filesz));
  TRY(executable->read(image.interpreter->offset, ByteSpan(reinterpret_cast<u8*>(text.data()), text.size())));
  if (text.back() != '\0') {
    return Err(Errno::kENOEXEC);
  }
  return String::from(StringView(text.data()));
}

KResult<void> load_elf(AddressSpace& space, const ElfFile& elf, u64 bias) {
  for (const Elf64ProgramHeader& segment : elf.headers) {
    if (segment.type == SegmentType::kLoad && segment.memsz != 0) {
      TRY(load_segment(space, elf, segment, bias));
    }
  }
  return {};
}

KResult<u64> place_elf(AddressSpace& space, const ElfImage& image) {
  const u64 span = image.high - image.low;
  const u64 slack = image.alignment - kPageBytes;
  const VirtAddr room = TRY(space.map({.address = VirtAddr(0),
                                       .bytes = span + slack,
                                       .prot = kProtNone,
                                       .flags = kMapPrivate | kMapAnonymous | kMapNoReserve,
                                       .file = nullptr,
                                       .offset = 0}));
  TRY(space.unmap(room, span + slack));
  // The distance to the linked addresses must keep their alignment; modulo 2^64 it may be negative.
  return align_up(room.value - image.low, image.alignment);
}

}  // namespace kernel
