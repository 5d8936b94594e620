// Random system calls on several address spaces and files, against a model that knows nothing of page tables:
// what each page must hold, and which accesses must fail how.
#include <map>
#include <memory>
#include <random>

#include "guest/fs/page_cache.h"
#include "guest/fs/tmpfs.h"
#include "guest/mem/injection.h"
#include "tests/unit/guest/support/kernel/host_kernel.h"

namespace kernel {
namespace {

using host::must;

constexpr u64 kPage = kPageBytes;
constexpr VirtAddr kArena{0x20'0000'0000};
constexpr u64 kArenaPages = 48;
constexpr u64 kFilePages = 12;
constexpr usize kFiles = 3;
constexpr usize kMaxSpaces = 4;

/// A file of the model: a value a page, and how many pages it has.
struct ModelFile {
  u64 pages = 0;
  std::map<u64, u8> values;
  RefPtr<File> file;
};

/// A page of the model's address space.
struct ModelPage {
  u32 prot = 0;
  bool shared = false;
  ModelFile* file = nullptr;                    // null: private anonymous
  std::shared_ptr<ModelFile> anonymous_shared;  // MAP_SHARED|MAP_ANONYMOUS: an unnamed file
  u64 file_page = 0;
  bool own = false;  // private: has a value of its own
  u8 value = 0;
  bool wipe = false;
  bool dont_fork = false;

  ModelFile* backing() const { return anonymous_shared ? anonymous_shared.get() : file; }
  bool beyond_end() const { return backing() != nullptr && file_page >= backing()->pages; }
  u8 read() const {
    if (own || backing() == nullptr) {
      return value;
    }
    const auto at = backing()->values.find(file_page);
    return at == backing()->values.end() ? 0 : at->second;
  }
  void write(u8 byte) {
    if (backing() != nullptr && shared) {
      backing()->values[file_page] = byte;
    } else {
      own = true;
      value = byte;
    }
  }
};

struct ModelSpace {
  RefPtr<AddressSpace> space;
  std::map<u64, ModelPage> pages;  // by number in the arena
};

class RandomModel : public host::KernelTest, public testing::WithParamInterface<u64> {
 protected:
  RandomModel() : random_(GetParam()) {
    for (usize i = 0; i < kFiles; i++) {
      files_[i].file = must(memfd_create("model", 0, {}));
    }
    spaces_.push_back({new_space(), {}});
  }

  u64 below(u64 bound) { return random_() % bound; }
  bool chance(u64 one_in) { return below(one_in) == 0; }
  u32 random_prot() {
    constexpr u32 kProts[] = {kProtNone, kProtRead, kProtRead | kProtWrite, kProtRead | kProtWrite,
                              kProtRead | kProtWrite | kProtExec};
    return kProts[below(std::size(kProts))];
  }
  static VirtAddr address(u64 page) { return kArena + page * kPage; }

  void step() {
    ModelSpace& space = spaces_[below(spaces_.size())];
    const u64 first = below(kArenaPages);
    const u64 count = 1 + below(std::min<u64>(8, kArenaPages - first));
    switch (below(16)) {
      case 0:
      case 1:
        return map(space, first, count);
      case 2:
        return unmap(space, first, count);
      case 3:
        return protect(space, first, count);
      case 4:
        return remap(space, first, count);
      case 5:
        return advise(space, first, count);
      case 6:
        return resize_file(files_[below(kFiles)]);
      case 7:
        return write_file(files_[below(kFiles)]);
      case 8:
        return chance(3) ? fork_or_exit(space) : void();
      default:
        return access(space, first);
    }
  }

  void map(ModelSpace& space, u64 first, u64 count) {
    ModelPage page;
    page.prot = random_prot();
    page.shared = chance(2);
    u32 flags = kMapFixed | (page.shared ? kMapShared : kMapPrivate) | (chance(4) ? u32{kMapPopulate} : 0);
    RefPtr<File> file;
    u64 offset = 0;
    if (chance(2)) {
      page.file = &files_[below(kFiles)];
      page.file_page = below(kFilePages);
      file = page.file->file;
      offset = page.file_page * kPage;
    } else {
      flags |= kMapAnonymous;
      if (page.shared) {
        page.anonymous_shared = std::make_shared<ModelFile>();
        page.anonymous_shared->pages = count;
      }
    }
    must(space.space->map({address(first), count * kPage, page.prot, flags, file, offset}));
    // A writable private mapping is populated by writing: its pages are its own from then on.
    const bool copied = (flags & kMapPopulate) != 0 && !page.shared && (page.prot & kProtWrite) != 0;
    bool reached_end = false;
    for (u64 i = 0; i < count; i++, page.file_page++) {
      ModelPage& placed = space.pages[first + i] = page;
      reached_end |= placed.beyond_end();
      if (copied && !reached_end) {
        placed.write(placed.read());
      }
    }
  }

  void unmap(ModelSpace& space, u64 first, u64 count) {
    must(space.space->unmap(address(first), count * kPage));
    space.pages.erase(space.pages.lower_bound(first), space.pages.lower_bound(first + count));
  }

  void protect(ModelSpace& space, u64 first, u64 count) {
    const u32 prot = random_prot();
    const auto result = space.space->protect(address(first), count * kPage, prot);
    for (u64 i = first; i < first + count; i++) {
      const auto at = space.pages.find(i);
      if (at == space.pages.end()) {
        ASSERT_EQ(host::error_of(result), "ENOMEM");
        return;
      }
      at->second.prot = prot;
    }
    must(KResult<void>(result.ok() ? KResult<void>() : Err(result.error())));
  }

  /// Moves a run of pages that certainly is one mapping: a single page.
  void remap(ModelSpace& space, u64 from, u64 count) {
    const auto source = space.pages.find(from);
    const u64 to = below(kArenaPages);
    if (source == space.pages.end() || to == from) {
      return;
    }
    (void)count;
    const bool keep = chance(4);
    const u32 flags = kMremapMayMove | kMremapFixed | (keep ? u32{kMremapDontUnmap} : 0);
    must(space.space->remap(address(from), kPage, kPage, flags, address(to)));
    space.pages[to] = source->second;
    if (!keep) {
      space.pages.erase(from);
    } else if (!source->second.shared) {
      // What moved away is gone here: zeroes, or the file's bytes again.
      source->second.own = false;
      source->second.value = 0;
    }
  }

  void advise(ModelSpace& space, u64 first, u64 count) {
    constexpr u32 kAdvice[] = {kMadvDontNeed, kMadvDontNeed, kMadvDontFork, kMadvDoFork, kMadvNoHugePage};
    const u32 advice = kAdvice[below(std::size(kAdvice))];
    bool hole = false;
    for (u64 i = first; i < first + count; i++) {
      const auto at = space.pages.find(i);
      hole |= at == space.pages.end();
      if (at == space.pages.end()) {
        continue;
      }
      ModelPage& page = at->second;
      if (advice == kMadvDontNeed && !page.shared) {
        page.own = false;
        page.value = 0;
      }
      page.dont_fork = advice == kMadvDontFork || (page.dont_fork && advice != kMadvDoFork);
    }
    ASSERT_EQ(host::error_of(space.space->advise(address(first), count * kPage, advice)),
              hole ? "ENOMEM" : "no error");
  }

  void resize_file(ModelFile& file) {
    file.pages = below(kFilePages + 1);
    must(file.file->truncate(static_cast<i64>(file.pages * kPage)));
    file.values.erase(file.values.lower_bound(file.pages), file.values.end());
    // mmap(2): private pages beyond the end are dropped with the rest.
    for (ModelSpace& space : spaces_) {
      for (auto& [number, page] : space.pages) {
        if (page.file == &file && page.beyond_end()) {
          page.own = false;
          page.value = 0;
        }
      }
    }
  }

  void write_file(ModelFile& file) {
    const u64 page = below(kFilePages);
    const u8 byte = static_cast<u8>(1 + below(255));
    write_at(*file.file, page * kPage, std::string(kPage, static_cast<char>(byte)));
    file.values[page] = byte;
    file.pages = std::max(file.pages, page + 1);
  }

  void fork_or_exit(ModelSpace& space) {
    if (spaces_.size() == kMaxSpaces) {
      spaces_.erase(spaces_.begin() + static_cast<std::ptrdiff_t>(below(kMaxSpaces)));
      return;
    }
    ModelSpace child{must(space.space->fork()), space.pages};
    std::erase_if(child.pages, [](const auto& entry) { return entry.second.dont_fork; });
    spaces_.push_back(std::move(child));
  }

  void access(ModelSpace& space, u64 number) {
    const Access kind = chance(2) ? Access::kWrite : Access::kRead;
    const auto found = host::access_user(*space.space, address(number) + below(kPage), kind);
    const auto at = space.pages.find(number);
    if (at == space.pages.end()) {
      ASSERT_EQ(found.byte, nullptr);
      ASSERT_EQ(found.answer.kind, FaultKind::k_segv_maperr);
      return;
    }
    ModelPage& page = at->second;
    const u32 wanted = kind == Access::kWrite ? kProtWrite : kProtRead | kProtWrite;
    if ((page.prot & wanted) == 0) {
      ASSERT_EQ(found.byte, nullptr);
      ASSERT_EQ(found.answer.kind, FaultKind::k_segv_accerr);
      return;
    }
    if (page.beyond_end() && !page.own) {
      ASSERT_EQ(found.byte, nullptr);
      ASSERT_EQ(found.answer.kind, FaultKind::k_bus_adrerr);
      return;
    }
    ASSERT_NE(found.byte, nullptr) << "page " << number << " fault " << static_cast<int>(found.answer.kind);
    ASSERT_EQ(*found.byte, page.read()) << "page " << number;
    if (kind == Access::kWrite) {
      const u8 byte = static_cast<u8>(1 + below(255));
      u8* const bytes = found.byte - (reinterpret_cast<u64>(found.byte) & (kPage - 1));
      memset(bytes, byte, kPage);  // the whole page, so that any byte of it can be looked at later
      page.write(byte);
    }
  }

  void check_all() {
    must(check_memory());
    for (ModelSpace& space : spaces_) {
      for (u64 number = 0; number < kArenaPages; number++) {
        const auto at = space.pages.find(number);
        if (at == space.pages.end() || at->second.prot == kProtNone ||
            (at->second.beyond_end() && !at->second.own)) {
          continue;
        }
        const auto found = host::access_user(*space.space, address(number), Access::kRead);
        ASSERT_NE(found.byte, nullptr);
        ASSERT_EQ(*found.byte, at->second.read()) << "page " << number;
      }
    }
  }

  std::mt19937_64 random_;
  ModelFile files_[kFiles];
  std::vector<ModelSpace> spaces_;
};

TEST_P(RandomModel, MemoryHoldsWhatTheModelSays) {
  for (int steps = 0; steps < 6000 && !HasFatalFailure(); steps++) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()) + " step " + std::to_string(steps));
    step();
    if (steps % 100 == 0) {
      check_all();
    }
  }
  check_all();
}

TEST_P(RandomModel, AllocationFailuresLoseNothing) {
  for (int steps = 0; steps < 2000 && !HasFatalFailure(); steps++) {
    ModelSpace& space = spaces_[below(spaces_.size())];
    const u64 first = below(kArenaPages);
    const u64 count = 1 + below(std::min<u64>(8, kArenaPages - first));
    // What the calls answer is not of interest here, only that nothing breaks or leaks.
    inject({.nth = 1 + below(6)});
    host::g_failing_allocations = static_cast<unsigned>(below(2));
    host::g_fail_new_after = below(5);
    switch (below(6)) {
      case 0: {
        const u32 type = chance(2) ? kMapShared : kMapPrivate;
        (void)space.space->map({address(first),
                                count * kPage,
                                kProtRead | kProtWrite,
                                kMapFixed | kMapAnonymous | type | kMapPopulate,
                                {},
                                0});
        break;
      }
      case 1:
        (void)space.space->unmap(address(first), count * kPage);
        break;
      case 2:
        (void)space.space->protect(address(first), count * kPage, random_prot());
        break;
      case 3:
        (void)space.space->remap(address(first), count * kPage, count * kPage, kMremapMayMove | kMremapFixed,
                                 address(below(kArenaPages)));
        break;
      case 4:
        if (spaces_.size() < kMaxSpaces) {
          auto child = space.space->fork();
          if (child.ok()) {
            spaces_.push_back({std::move(child).value(), {}});
          }
        } else {
          spaces_.pop_back();
        }
        break;
      default:
        (void)space.space->handle_fault(address(first), Access::kWrite, FaultOrigin::kUser);
        break;
    }
    stop_injecting();
    host::g_failing_allocations = 0;
    host::g_fail_new_after = 0;
    if (steps % 50 == 0) {
      must(check_memory());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModel, testing::Range<u64>(1, 9));

}  // namespace
}  // namespace kernel
