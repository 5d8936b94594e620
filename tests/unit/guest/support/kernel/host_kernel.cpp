#include "tests/unit/guest/support/kernel/host_kernel.h"

#include <cstring>

#include "guest/drivers/trace.h"
#include "guest/fs/tmpfs.h"
#include "guest/hal/asid.h"
#include "guest/vm/leaf.h"

namespace kernel::host {

namespace {

constexpr usize kMemoryBytes = usize{64} << 20;
u64 g_trace_registers[4];

/// Set up once: the mount table and other registries live as long as the program, as they do in the
/// supervisor.
struct World {
  World() : memory(kMemoryBytes) {
    set_table_allocator({[]() -> KResult<PhysAddr> {
                           return frame_address(TRY(alloc_frame(ZeroIt::kYes, FrameUse::kPageTable)));
                         },
                         [](PhysAddr table) { put_frame(frame_at(table)); }});
    init_asids();
    must(kernel_page_table().create_kernel());
    kernel_page_table().activate();
    set_wall_clock([] { return g_now_ns; });
    must(mount_root(must(make_tmpfs({.root_mode = 0755})), "rootfs"));
    must(init_memory_files());
    trace_detail::g_port = g_trace_registers;
    set_current_pid([] { return u32{7}; });
  }
  PhysicalMemory memory;
};

u64 frames_in_use() {
  return memory_stats().used_for(FrameUse::kAnon) + memory_stats().used_for(FrameUse::kPageCache) +
         memory_stats().used_for(FrameUse::kPageTable) + memory_stats().used_for(FrameUse::kKernel);
}

}  // namespace

TracedEvent last_event() {
  const u64 doorbell = g_trace_registers[kTraceRegDoorbell / sizeof(u64)];
  TracedEvent event{static_cast<TraceEventId>(doorbell & 0xffff), {}};
  for (u64 i = 0; i < doorbell >> 16; i++) {
    event.args.push_back(u64{trace_detail::g_record[i]});
  }
  return event;
}
void forget_events() { g_trace_registers[kTraceRegDoorbell / sizeof(u64)] = 0; }

UserAccess access_user(AddressSpace& space, VirtAddr address, Access access, FaultOrigin origin) {
  constexpr unsigned kMaxTries = 3;
  UserAccess result;
  for (unsigned tries = 0; tries < kMaxTries; tries++) {
    const Leaf leaf = space.page_table().lookup(address);
    const u64 wanted = kPteAccessed | (access == Access::kWrite ? u64{kPteDirty} : 0);
    if (leaf.valid() && leaf_allows(leaf.pte, access) && leaf.pte.has(wanted)) {
      result.byte = phys_to_virt<u8>(leaf.address_of(address));
      return result;
    }
    result.answer = space.handle_fault(address, access, origin);
    result.faulted = true;
    if (!result.answer.ok()) {
      return result;
    }
  }
  ADD_FAILURE() << "the fault handler does not make progress at " << std::hex << address.value;
  return result;
}

KernelTest::KernelTest() {
  static World& world = *new World;  // outlives the registries, which end after main
  (void)world;
  frames_before_ = frames_in_use();
  context_.root = context_.cwd = root_path();
  g_user_space = nullptr;
  g_on_sleep = nullptr;
  forget_events();
}

KernelTest::~KernelTest() {
  must(check_memory());
  EXPECT_TRUE(AddressSpace::all().empty());
  EXPECT_EQ(frames_in_use(), frames_before_) << "frames were lost";
  EXPECT_EQ(commit_state().committed_pages, 0U);
}

RefPtr<AddressSpace> KernelTest::new_space() {
  MemoryLimits limits;
  limits.stack = 8 << 20;
  RefPtr<AddressSpace> space = must(AddressSpace::create(limits));
  space->set_mmap_top(VirtAddr(0x3f'0000'0000));
  return space;
}

RefPtr<File> KernelTest::open(const std::string& path, u32 flags, u32 mode) {
  return must(vfs::open(context_, context_.cwd, path, flags, mode));
}
Path KernelTest::at(const std::string& path) { return must(resolve(context_, context_.cwd, path, 0)); }
void KernelTest::remove(const std::string& path) { must(vfs::unlink(context_, context_.cwd, path)); }

std::string KernelTest::read_all(File& file, u64 from) {
  std::string text;
  char chunk[1000];
  while (true) {
    IoBuffer buffer = IoBuffer::kernel(ByteSpan(reinterpret_cast<u8*>(chunk), sizeof(chunk)));
    const usize got = must(file.read_at(static_cast<i64>(from + text.size()), buffer));
    if (got == 0) {
      return text;
    }
    text.append(chunk, got);
  }
}

void KernelTest::write_at(File& file, u64 position, const std::string& bytes) {
  IoBuffer buffer = IoBuffer::kernel(as_bytes(bytes));
  EXPECT_EQ(must(file.write_at(static_cast<i64>(position), buffer)), bytes.size());
}

}  // namespace kernel::host
