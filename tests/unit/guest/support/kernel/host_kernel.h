// A supervisor without a hart, for tests of its file and memory layers: RAM, a mounted tmpfs, one thread.
//
// What a hart would do is done here in plain steps: user accesses walk the page table and call the fault
// handler; a sleep calls `g_on_sleep`, which must make happen what the sleeper waits for.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "guest/fs/path.h"
#include "guest/fs/vfs.h"
#include "guest/vm/address_space.h"
#include "guest/vm/check.h"
#include "tests/unit/guest/support/host.h"

namespace kernel::host {

/// Runs instead of sleeping; its result is that of WaitQueue::wait. Without one a sleep fails the test.
inline std::function<KResult<void>()> g_on_sleep;
/// The n-th `new` from now on fails once (1: the next); 0: none.
inline u64 g_fail_new_after = 0;
/// Where user addresses of system calls lead.
inline AddressSpace* g_user_space = nullptr;
/// Wall-clock time, in ns.
inline u64 g_now_ns = 1'000'000'000'000;

/// The last event that was traced: its id and arguments.
struct TracedEvent {
  TraceEventId id;
  std::vector<u64> args;
};
TracedEvent last_event();
void forget_events();

/// What the program sees at an address: the byte in RAM, or what the failed access came to.
struct UserAccess {
  u8* byte = nullptr;
  FaultAnswer answer;  ///< of the last fault, if any
  bool faulted = false;
};
UserAccess access_user(AddressSpace& space, VirtAddr address, Access access,
                       FaultOrigin origin = FaultOrigin::kUser);

/// A file tree and nothing mapped; afterwards no frame may be lost and every invariant must hold.
class KernelTest : public testing::Test {
 protected:
  KernelTest();
  ~KernelTest() override;

  const FsContext& context() const { return context_; }
  RefPtr<AddressSpace> new_space();
  RefPtr<File> open(const std::string& path, u32 flags = kOpenReadWrite | kOpenCreate, u32 mode = 0644);
  Path at(const std::string& path);
  void remove(const std::string& path);
  std::string read_all(File& file, u64 from = 0);
  void write_at(File& file, u64 position, const std::string& bytes);

  FsContext context_;

 private:
  u64 frames_before_ = 0;
};

/// KResult for expectations: the value, or a failure that names the error.
template <class T>
T must(KResult<T> result) {
  if (!result.ok()) {
    ADD_FAILURE() << "failed with " << errno_name(result.error());
    std::abort();
  }
  return std::move(result).value();
}
inline void must(KResult<void> result) {
  EXPECT_TRUE(result.ok()) << "failed with " << (result.ok() ? "" : errno_name(result.error()));
}
template <class T>
std::string_view error_of(const KResult<T>& result) {
  return result.ok() ? std::string_view("no error") : errno_name(result.error());
}

}  // namespace kernel::host
