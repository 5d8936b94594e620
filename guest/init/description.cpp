// The table itself. Nothing reads it here, and nothing is kept up to date for it: it names fields that the
// supervisor has anyway, so that being looked at costs no instruction.
#include "guest/init/description.h"

#include "guest/fs/page_cache.h"
#include "guest/mem/frame.h"
#include "guest/proc/process_table.h"
#include "guest/vm/address_space.h"
#include "quire/arch/description.h"

// Offsets in classes with virtual functions or bases: the compiler knows them, the standard does not promise
// it.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace kernel {

using namespace quire::arch;
using NumberTreeNode = boost::intrusive::compact_rbtree_node<void*>;
using LinkedListNode = boost::intrusive::list_node<void*>;

/// A friend of those whose fields it names.
struct Description {
  enum Place : unsigned {
#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes) k_##name,
#define QUIRE_DESCRIBED_VALUE(name, constant) k_##name,
#define QUIRE_DESCRIBED_ROOT(name) k_##name,
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
    kEntries
  };
  struct Table {
    DescriptionHeader header;
    DescriptionEntry entries[kEntries];
  };
  static constexpr Table make();
  static void fill_roots();
};

constexpr Description::Table Description::make() {
  return {.header = {.magic = kDescriptionMagic,
                     .version = kDescriptionVersion,
                     .header_bytes = sizeof(DescriptionHeader),
                     .entry_bytes = sizeof(DescriptionEntry),
                     .entry_count = kEntries,
                     .linear_map_base = kLinearMapBase},
          .entries = {
#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes) \
  {#name, DescribedKind::kField, bytes, offsetof(type, member)},
#define QUIRE_DESCRIBED_VALUE(name, constant) {#name, DescribedKind::kValue, 0, static_cast<u64>(constant)},
#define QUIRE_DESCRIBED_ROOT(name) {#name, DescribedKind::kRoot, 0, 0},
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
          }};
}

/// Found by the linker script, which knows where it is loaded.
extern "C" constinit Description::Table quire_description;
constinit Description::Table quire_description = Description::make();

void Description::fill_roots() {
#define QUIRE_DESCRIBED_FIELD(name, type, member, bytes) static_assert(sizeof(type::member) == (bytes));
#define QUIRE_DESCRIBED_VALUE(name, constant)
#define QUIRE_DESCRIBED_ROOT(name)
#include "quire/arch/description.inc"
#undef QUIRE_DESCRIBED_FIELD
#undef QUIRE_DESCRIBED_VALUE
#undef QUIRE_DESCRIBED_ROOT
  const auto root = [](Place place, const void* where) {
    quire_description.entries[place].value = reinterpret_cast<u64>(where);
  };
  Process& first = process_table().first();
  // The list's header is all that the list consists of.
  ASSERT(static_cast<const void*>(first.tasks_.end().pointed_node()) == &first.tasks_);
  root(k_processes, process_table().processes_.end().pointed_node());
  root(k_memory_stats, &memory_stats());
  root(k_page_cache_stats, &page_cache_stats());
  root(k_frames, frame_detail::g_frames);
  quire_description.entries[k_first_frame].value = frame_detail::g_first_pfn;
  quire_description.entries[k_frame_count].value = frame_detail::g_frame_count;
}

void publish_description() { Description::fill_roots(); }

}  // namespace kernel
