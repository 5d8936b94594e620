// Maps a checked ELF image into an address space that does not run yet (gABI chapter 5, "Program Loading").
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"
#include "guest/lib/vector.h"
#include "guest/proc/elf_image.h"
#include "guest/vm/address_space.h"

namespace kernel {

/// An executable file, opened, with its program headers: keeps writers out (ETXTBSY) while it lives.
class Executable : public RefCounted<Executable> {
 public:
  /// EACCES for what is no regular file or may not be executed, ETXTBSY.
  static KResult<RefPtr<Executable>> open(const FsContext& context, const Path& path);
  ~Executable();

  const Path& path() const { return file_->path(); }
  const RefPtr<File>& file() const { return file_; }
  Inode& inode() const { return file_->inode(); }
  /// Whole ranges only: ENOEXEC when the file ends before.
  KResult<void> read(u64 position, ByteSpan to) const;

 private:
  template <class T, class... Args>
  friend KResult<RefPtr<T>> try_make_ref(Args&&... args);
  explicit Executable(RefPtr<File> file) : file_(std::move(file)) {}
  RefPtr<File> file_;
};

/// An ELF file with its checked headers.
struct ElfFile {
  RefPtr<Executable> executable;
  Vector<Elf64ProgramHeader> headers;
  ElfImage image;  ///< points into `headers`

  /// ENOEXEC, ENOMEM.
  static KResult<ElfFile> read(RefPtr<Executable> executable);
  /// The text of PT_INTERP; empty when there is none. ENOEXEC.
  KResult<String> interpreter() const;
};

/// Maps the segments with `bias` added to their addresses. ENOMEM, EIO.
KResult<void> load_elf(AddressSpace& space, const ElfFile& elf, u64 bias);
/// A bias that puts the image at a free place of the mapping area. ENOMEM.
KResult<u64> place_elf(AddressSpace& space, const ElfImage& image);

}  // namespace kernel
