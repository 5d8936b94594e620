// Processes, their areas and frames, read from the supervisor's own objects; see quire/supervisor_view.h.
//
// Walks end because trees have a depth, areas ascend, and paths a length: the first that does not ends it.
#include "quire/supervisor_view.h"

#include <fmt/format.h>

#include <array>

#include "emu/launch/guest_layout.h"
#include "quire/arch/linux/mman.h"
#include "quire/arch/sv39.h"
#include "quire/error.h"

namespace quire {

class SupervisorView::Layout : public GuestLayout {
 public:
  using GuestLayout::GuestLayout;
};

namespace {

/// A balanced tree of all that RAM could hold is less deep.
constexpr unsigned kMaxDepth = 80;
/// Steps from a file up to the root of the name tree; a program may nest directories far beyond PATH_MAX.
constexpr unsigned kMaxPathSteps = 65536;
/// In all paths of one process: what no honest one needs, and less than a second.
constexpr unsigned kMaxStepsInAll = 128 * kMaxPathSteps;
constexpr std::uint64_t kMaxComponentBytes = 256;
/// A nameless file's text, and special areas'.
constexpr std::uint64_t kMaxNameBytes = 4096;

/// A place in the name tree.
struct GuestPath {
  std::uint64_t mount = 0;
  std::uint64_t dentry = 0;
  bool operator==(const GuestPath&) const = default;
};

/// Paths of files as a process sees them; as the supervisor's own path_text() writes them.
class PathReader {
 public:
  /// `process`: whose root counts.
  PathReader(const GuestObjects& objects, const GuestLayout& layout, std::uint64_t process)
      : objects_(objects), layout_(layout) {
    if (auto root = root_of(process); root.ok()) {
      root_ = root.value();
    }
  }

  MayBeTorn<GuestPath> path_at(std::uint64_t object, GuestField field) const {
    const std::uint64_t mount = TRY(objects_.load(object, layout_.path_mount, field.offset));
    return GuestPath{mount, TRY(objects_.load(object, layout_.path_dentry, field.offset))};
  }

  MayBeTorn<std::string> text(const GuestPath& path) const {
    const bool deleted = TRY(objects_.load(path.dentry, layout_.dentry_deleted)) != 0;
    const bool nameless = TRY(objects_.load(path.dentry, layout_.dentry_nameless)) != 0;
    std::string found = nameless ? TRY(name(path.dentry, kMaxNameBytes)) : TRY(climb(path));
    return found += deleted ? " (deleted)" : "";
  }

 private:
  /// Of the first of its tasks; a process that is about to end has none.
  MayBeTorn<GuestPath> root_of(std::uint64_t process) const {
    const std::uint64_t header = process + layout_.process_tasks.offset;
    const std::uint64_t node = TRY(objects_.load(header, layout_.list_node_next));
    if (node == header) {
      return arch::Err(Torn{"a process without tasks", process});
    }
    const std::uint64_t fs = TRY(objects_.load(node - layout_.task_node.offset, layout_.task_fs));
    return path_at(fs, layout_.fs_root);
  }

  MayBeTorn<std::string> name(std::uint64_t dentry, std::uint64_t limit_bytes) const {
    const std::uint64_t bytes = TRY(objects_.load(dentry, layout_.dentry_name_bytes));
    if (bytes > limit_bytes) {
      return arch::Err(Torn{"a name of impossible length", dentry});
    }
    if (bytes == 0) {
      return std::string();
    }
    return objects_.text(TRY(objects_.load(dentry, layout_.dentry_name_text)), bytes - 1);
  }

  MayBeTorn<std::string> climb(GuestPath at) const {
    std::vector<std::string> names;
    bool reached = false;
    for (unsigned steps = 0; !(reached = at == root_); ++steps) {
      if (steps == kMaxPathSteps || steps_left_ == 0) {
        return arch::Err(Torn{"a path without an end", at.dentry});
      }
      --steps_left_;
      if (const std::uint64_t parent = TRY(objects_.load(at.dentry, layout_.dentry_parent)); parent != 0) {
        names.push_back(TRY(name(at.dentry, kMaxComponentBytes)));
        at.dentry = parent;
        continue;
      }
      const std::uint64_t below = TRY(objects_.load(at.mount, layout_.mount_parent));
      if (below == 0) {
        break;
      }
      at = {below, TRY(objects_.load(at.mount, layout_.mount_mountpoint))};
    }
    std::string found = reached || root_ == GuestPath{} ? "" : "(unreachable)";
    if (names.empty()) {
      found += '/';
    }
    for (auto component = names.rbegin(); component != names.rend(); ++component) {
      found += '/' + *component;
    }
    return found;
  }

  const GuestObjects& objects_;
  const GuestLayout& layout_;
  GuestPath root_;  ///< nowhere: not known, and every place counts as reachable
  mutable unsigned steps_left_ = kMaxStepsInAll;
};

/// Device and number of an inode.
MayBeTorn<std::pair<std::uint64_t, std::uint64_t>> identity_of(const GuestObjects& objects,
                                                               const GuestLayout& layout,
                                                               std::uint64_t inode) {
  const std::uint64_t fs = TRY(objects.load(inode, layout.inode_fs));
  const std::uint64_t device = TRY(objects.load(fs, layout.fs_device));
  return std::pair(device, TRY(objects.load(inode, layout.inode_number)));
}

/// The areas of one address space, in order.
class AreaReader {
 public:
  AreaReader(const GuestObjects& objects, const GuestLayout& layout, std::uint64_t process,
             std::uint64_t space)
      : objects_(objects), layout_(layout), paths_(objects, layout, process), space_(space) {}

  MemoryAreas read() {
    if (const auto done = read_all(); !done.ok()) {
      note(describe(done.error()));
    }
    return std::move(found_);
  }

 private:
  MayBeTorn<void> read_all() {
    found_.locked = TRY(objects_.load(space_, layout_.space_lock_owner)) != 0;
    heap_start_ = TRY(objects_.load(space_, layout_.space_heap_start));
    heap_end_ = TRY(objects_.load(space_, layout_.space_heap_end));
    stack_top_ = TRY(objects_.load(space_, layout_.space_stack_top));
    const std::uint64_t count = TRY(objects_.load(space_, layout_.space_vma_count));
    const std::uint64_t top = TRY(objects_.load(space_, layout_.space_vmas));
    TRY(visit(top, kMaxDepth));
    if (count != found_.areas.size()) {
      note(fmt::format("{} areas can be reached, and the supervisor counts {}: it is changing them",
                       found_.areas.size(), count));
    }
    return {};
  }

  MayBeTorn<void> visit(std::uint64_t node, unsigned depth) {
    if (node == 0) {
      return {};
    }
    if (depth == 0) {
      return arch::Err(Torn{"the tree of areas is deeper than it can be", node});
    }
    const std::uint64_t range = node - layout_.range_node.offset;
    const std::uint64_t below = TRY(objects_.load(range, layout_.range_left));
    TRY(visit(below, depth - 1));
    TRY(add(range + layout_.range_start.offset - layout_.vma_start.offset));
    return visit(TRY(objects_.load(range, layout_.range_right)), depth - 1);
  }

  MayBeTorn<void> add(std::uint64_t vma) {
    MemoryArea area{};
    area.start = TRY(objects_.load(vma, layout_.vma_start));
    area.end = TRY(objects_.load(vma, layout_.vma_end));
    const std::uint64_t before = found_.areas.empty() ? 0 : found_.areas.back().end;
    if (area.start < before || area.start >= area.end || area.end > arch::kSv39UserTop ||
        ((area.start | area.end) & (arch::kPageBytes - 1)) != 0) {
      return arch::Err(Torn{"an area with impossible bounds", vma});
    }
    const std::uint64_t prot = TRY(objects_.load(vma, layout_.vma_prot));
    const std::uint64_t flags = TRY(objects_.load(vma, layout_.vma_flags));
    area.readable = (prot & arch::kProtRead) != 0;
    area.writable = (prot & arch::kProtWrite) != 0;
    area.executable = (prot & arch::kProtExec) != 0;
    area.shared = (flags & layout_.vma_flag_shared) != 0;
    area.locked = (flags & layout_.vma_flag_locked) != 0;
    area.grows_down = (flags & layout_.vma_flag_grows_down) != 0;
    if (const auto named = give_name(vma, flags, area); !named.ok()) {
      note(fmt::format("what is behind the area at {:#x}: {}", area.start, describe(named.error())));
    }
    found_.areas.push_back(std::move(area));
    return {};
  }

  MayBeTorn<void> give_name(std::uint64_t vma, std::uint64_t flags, MemoryArea& area) {
    if (const std::uint64_t file = TRY(objects_.load(vma, layout_.vma_file)); file != 0) {
      area.kind =
          (flags & layout_.vma_flag_device) != 0 ? MemoryArea::Kind::kDevice : MemoryArea::Kind::kFile;
      area.offset = TRY(objects_.load(vma, layout_.vma_file_page)) << arch::kPageShift;
      const GuestPath path = TRY(paths_.path_at(file, layout_.file_path));
      const std::uint64_t inode = TRY(objects_.load(path.dentry, layout_.dentry_inode));
      std::tie(area.device, area.inode) = TRY(identity_of(objects_, layout_, inode));
      area.name = TRY(paths_.text(path));
      return {};
    }
    if (const std::uint64_t special = TRY(objects_.load(vma, layout_.vma_special)); special != 0) {
      area.kind = MemoryArea::Kind::kSpecial;
      const std::uint64_t name = TRY(objects_.load(special, layout_.special_name));
      area.name = TRY(objects_.c_string(name, kMaxNameBytes));
      return {};
    }
    // As the supervisor itself decides it for /proc/PID/maps.
    if (heap_end_ > heap_start_ && area.start < heap_end_ && area.end > heap_start_) {
      area.kind = MemoryArea::Kind::kHeap;
      area.name = "[heap]";
    } else if (area.start < stack_top_ && area.end >= stack_top_) {
      area.kind = MemoryArea::Kind::kStack;
      area.name = "[stack]";
    }
    return {};
  }

  void note(std::string trouble) {
    if (found_.trouble.empty()) {
      found_.trouble = std::move(trouble);
    }
  }

  const GuestObjects& objects_;
  const GuestLayout& layout_;
  const PathReader paths_;
  const std::uint64_t space_;
  std::uint64_t heap_start_ = 0, heap_end_ = 0, stack_top_ = 0;
  MemoryAreas found_;
};

/// The Process of that number, or 0.
MayBeTorn<std::uint64_t> find_process(const GuestObjects& objects, const GuestLayout& layout,
                                      std::uint32_t pid) {
  constexpr std::uint64_t kColour = 1;
  std::uint64_t node = TRY(objects.load(layout.processes, layout.tree_node_parent)) & ~kColour;
  for (unsigned depth = 0; node != 0; ++depth) {
    if (depth == kMaxDepth) {
      return arch::Err(Torn{"the tree of processes is deeper than it can be", node});
    }
    const std::uint64_t process = node - layout.process_node.offset;
    const std::uint64_t found = TRY(objects.load(process, layout.process_pid));
    if (found == pid) {
      return process;
    }
    node = TRY(objects.load(node, pid < found ? layout.tree_node_left : layout.tree_node_right));
  }
  return 0;
}

std::uint64_t description_of(Machine& machine) {
  const auto address = machine.symbol(arch::kDescriptionSymbol);
  if (!address) {
    throw Error(ErrorKind::kUsage,
                "areas and frames are known of the supervisor alone, and this machine runs another kernel or "
                "program; make it with Machine.supervisor()");
  }
  return *address;
}

struct NamedUse {
  std::uint64_t value;
  const char* name;
};

std::array<NamedUse, 9> uses_of(const GuestLayout& l) {
  return {{{l.use_free, "free"},
           {l.use_reserved, "reserved"},
           {l.use_kernel, "kernel"},
           {l.use_anonymous, "anonymous"},
           {l.use_page_cache, "page_cache"},
           {l.use_page_table, "page_table"},
           {l.use_slab, "slab"},
           {l.use_stack, "stack"},
           {l.use_vmalloc, "vmalloc"}}};
}

/// Which page of which file a frame of the page cache holds.
MayBeTorn<FrameFacts::Cached> cached_page(const GuestObjects& objects, const GuestLayout& layout,
                                          std::uint64_t cache, std::uint64_t frame) {
  const std::uint64_t inode = TRY(objects.load(cache, layout.cache_inode));
  const auto [device, number] = TRY(identity_of(objects, layout, inode));
  return FrameFacts::Cached{device, number, TRY(objects.load(frame, layout.frame_index))};
}

/// The frame that says what `pfn` is used for: of a block that was given out whole, the first alone does.
MayBeTorn<std::uint64_t> head_of(const GuestObjects& objects, const GuestLayout& layout, std::uint64_t pfn) {
  constexpr unsigned kMaxOrder = 10;
  const auto frame_at = [&](std::uint64_t number) {
    return layout.frames + (number - layout.first_frame) * layout.frame_bytes;
  };
  const std::uint64_t frame = frame_at(pfn);
  if (TRY(objects.load(frame, layout.frame_use)) != layout.use_free) {
    return frame;
  }
  for (unsigned order = 1; order <= kMaxOrder; ++order) {
    const std::uint64_t first = pfn >> order << order;
    if (first < layout.first_frame) {
      break;
    }
    const std::uint64_t head = frame_at(first);
    const std::uint64_t use = TRY(objects.load(head, layout.frame_use));
    if (first != pfn && use != layout.use_free && TRY(objects.load(head, layout.frame_order)) >= order) {
      return head;
    }
  }
  return frame;
}

/// A root leads nowhere: not the guest's doing in any of its states.
template <class T>
T whole(MayBeTorn<T> value) {
  if (!value.ok()) {
    throw Error(ErrorKind::kState, "the supervisor's memory is damaged: " + describe(value.error()));
  }
  return std::move(value).value();
}

}  // namespace

SupervisorView::SupervisorView(Machine& machine)
    : SupervisorView(machine.memory(), description_of(machine)) {}

SupervisorView::SupervisorView(const MemoryView& memory, std::uint64_t description)
    : memory_(memory), layout_(std::make_unique<const Layout>(memory, description)) {
  if (layout_->processes == 0) {
    throw Error(ErrorKind::kUsage, "the supervisor is not up yet: run the machine further");
  }
  if (layout_->frame_count > memory.size_bytes() / arch::kPageBytes) {
    throw Error(
        ErrorKind::kState,
        fmt::format("the supervisor's memory is damaged: it counts {} frames in RAM", layout_->frame_count));
  }
}

SupervisorView::~SupervisorView() = default;
SupervisorView::SupervisorView(SupervisorView&&) noexcept = default;

std::optional<MemoryAreas> SupervisorView::areas(std::uint32_t pid) const {
  const GuestObjects objects(memory_, *layout_);
  const auto process = find_process(objects, *layout_, pid);
  if (!process.ok()) {
    return MemoryAreas{.areas = {}, .locked = false, .trouble = describe(process.error())};
  }
  if (process.value() == 0) {
    return std::nullopt;
  }
  const auto space = objects.load(process.value(), layout_->process_space);
  if (!space.ok()) {
    return MemoryAreas{.areas = {}, .locked = false, .trouble = describe(space.error())};
  }
  if (space.value() == 0) {
    return std::nullopt;
  }
  return AreaReader(objects, *layout_, process.value(), space.value()).read();
}

FrameCounts SupervisorView::frame_counts() const {
  const GuestLayout& l = *layout_;
  const GuestObjects objects(memory_, l);
  const auto by_use = [&](std::uint64_t use) {
    const std::uint64_t offset = use * sizeof(std::uint64_t);
    return offset < l.memory_by_use.bytes ? whole(objects.load(l.memory_stats, l.memory_by_use, offset)) : 0;
  };
  return {.total = whole(objects.load(l.memory_stats, l.memory_total)),
          .free = by_use(l.use_free),
          .anonymous = by_use(l.use_anonymous),
          .page_cache = by_use(l.use_page_cache),
          .page_tables = by_use(l.use_page_table),
          .slab = by_use(l.use_slab),
          .stacks = by_use(l.use_stack),
          .vmalloc = by_use(l.use_vmalloc),
          .kernel = by_use(l.use_kernel),
          .dirty = whole(objects.load(l.page_cache_stats, l.cache_dirty)),
          .writing = whole(objects.load(l.page_cache_stats, l.cache_writing))};
}

FrameFacts SupervisorView::frame(std::uint64_t pfn) const {
  const GuestLayout& l = *layout_;
  if (pfn < l.first_frame || pfn - l.first_frame >= l.frame_count) {
    throw Error(ErrorKind::kUsage, fmt::format("no frame has the number {:#x}: RAM is {:#x}..{:#x}", pfn,
                                               l.first_frame, l.first_frame + l.frame_count));
  }
  const GuestObjects objects(memory_, l);
  const std::uint64_t frame = whole(head_of(objects, l, pfn));
  FrameFacts facts{.use = {},
                   .references = static_cast<std::uint32_t>(whole(objects.load(frame, l.frame_references))),
                   .dirty = (whole(objects.load(frame, l.frame_flags)) & l.frame_flag_dirty) != 0,
                   .cached = {}};
  const std::uint64_t use = whole(objects.load(frame, l.frame_use));
  for (const NamedUse& named : uses_of(l)) {
    if (named.value == use) {
      facts.use = named.name;
    }
  }
  facts.dirty = facts.dirty && use == l.use_page_cache;
  const std::uint64_t cache = use == l.use_page_cache ? whole(objects.load(frame, l.frame_mapping)) : 0;
  if (cache != 0) {
    // Torn: the frame is on its way into the cache, or out of it.
    if (const auto page = cached_page(objects, l, cache, frame); page.ok()) {
      facts.cached = page.value();
    }
  }
  return facts;
}

std::uint64_t SupervisorView::first_frame() const { return layout_->first_frame; }
std::uint64_t SupervisorView::frame_count() const { return layout_->frame_count; }

std::string_view area_kind_name(MemoryArea::Kind kind) {
  constexpr std::array<std::string_view, 6> kNames{"anonymous", "file", "heap", "stack", "device", "special"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace quire
