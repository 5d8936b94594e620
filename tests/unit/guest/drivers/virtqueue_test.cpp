#include "guest/drivers/virtqueue.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <vector>

#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

/// The device's end, as the specification describes it.
class Device {
 public:
  explicit Device(const Virtqueue& queue) : queue_(queue) {}

  /// The heads that are available and were not seen yet.
  std::vector<u16> take() {
    std::vector<u16> heads;
    const auto* header = phys_to_virt<virtio::AvailHeader>(queue_.available_ring());
    const u16* ring = reinterpret_cast<const u16*>(header + 1);
    for (; seen_ != header->idx; seen_++) {
      heads.push_back(ring[seen_ % queue_.size()]);
    }
    return heads;
  }
  std::vector<virtio::Desc> chain(u16 head) const {
    std::vector<virtio::Desc> chain;
    const auto* table = phys_to_virt<virtio::Desc>(queue_.descriptors());
    for (u16 at = head;; at = table[at].next) {
      EXPECT_LT(at, queue_.size());
      chain.push_back(table[at]);
      if ((table[at].flags & virtio::kDescNext) == 0 || chain.size() > queue_.size()) {
        return chain;
      }
    }
  }
  void use(u32 head, u32 length) {
    auto* header = phys_to_virt<virtio::UsedHeader>(queue_.used_ring());
    auto* ring = reinterpret_cast<virtio::UsedElem*>(header + 1);
    ring[header->idx % queue_.size()] = {head, length};
    header->idx++;
  }

 private:
  const Virtqueue& queue_;
  u16 seen_ = 0;
};

class VirtqueueTest : public testing::Test {
 protected:
  VirtqueueTest() : memory_(usize{4} << 20), device_(queue_) { EXPECT_TRUE(queue_.create(8).ok()); }
  KResult<void> add(std::initializer_list<VirtqueueBuffer> buffers, void* token) {
    return queue_.add({buffers.begin(), buffers.size()}, token);
  }
  host::PhysicalMemory memory_;
  Virtqueue queue_;
  Device device_;
  int tokens_[8] = {};
};

TEST_F(VirtqueueTest, PartsAreAlignedAndDoNotOverlap) {
  EXPECT_TRUE(is_aligned(queue_.descriptors().value, virtio::kDescTableAlign));
  EXPECT_TRUE(is_aligned(queue_.used_ring().value, virtio::kUsedRingAlign));
  EXPECT_GE(queue_.available_ring() - queue_.descriptors(), virtio::desc_table_bytes(8));
  EXPECT_GE(queue_.used_ring() - queue_.available_ring(), virtio::avail_ring_bytes(8));
}

TEST_F(VirtqueueTest, TheDeviceSeesTheChainAndTheDriverItsToken) {
  ASSERT_TRUE(add({{PhysAddr(0x1000), 16, false}, {PhysAddr(0x2000), 512, true}}, &tokens_[3]).ok());
  const auto heads = device_.take();
  ASSERT_EQ(heads.size(), 1U);
  const auto chain = device_.chain(heads[0]);
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].addr, 0x1000U);
  EXPECT_EQ(chain[0].flags, virtio::kDescNext);
  EXPECT_EQ(chain[1].len, 512U);
  EXPECT_EQ(chain[1].flags, virtio::kDescWrite);
  EXPECT_FALSE(queue_.take_used());
  device_.use(heads[0], 100);
  const auto used = queue_.take_used();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->token, &tokens_[3]);
  EXPECT_EQ(used->length_bytes, 100U);
  EXPECT_FALSE(queue_.take_used());
}

TEST_F(VirtqueueTest, FullQueueSaysEagainAndRecovers) {
  for (int i = 0; i < 8; i++) {
    ASSERT_TRUE(add({{PhysAddr(0x1000), 1, false}}, &tokens_[i]).ok());
  }
  EXPECT_FALSE(queue_.has_room(1));
  EXPECT_EQ(add({{PhysAddr(0x1000), 1, false}}, &tokens_[0]).error(), Errno::kEAGAIN);
  device_.use(device_.take()[5], 0);
  EXPECT_EQ(queue_.take_used()->token, &tokens_[5]);
  EXPECT_TRUE(add({{PhysAddr(0x1000), 1, false}}, &tokens_[5]).ok());
}

TEST_F(VirtqueueTest, ChainsThatTheDeviceDoesNotHoldAreIgnored) {
  ASSERT_TRUE(add({{PhysAddr(0x1000), 1, false}}, &tokens_[0]).ok());
  const u16 head = device_.take()[0];
  device_.use(9999, 1);
  device_.use(head + 1U, 1);
  device_.use(head, 7);
  device_.use(head, 8);  // a second time
  const auto used = queue_.take_used();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->length_bytes, 7U);
  EXPECT_FALSE(queue_.take_used());
  EXPECT_TRUE(queue_.has_room(8)) << "nothing was freed twice, nothing was lost";
  EXPECT_FALSE(queue_.has_room(9));
}

TEST_F(VirtqueueTest, IndicesWrapAndNothingIsLost) {
  std::mt19937 random(5);
  std::deque<u16> held;
  std::set<void*> out;
  for (int round = 0; round < 200000; round++) {
    const usize length = 1 + random() % 3;
    if (random() % 2 == 0 && queue_.has_room(length) && out.size() < 8) {
      void* token = nullptr;
      for (int& candidate : tokens_) {
        token = out.contains(&candidate) ? token : &candidate;
      }
      const std::vector<VirtqueueBuffer> buffers(length, {PhysAddr(0x1000), 4, random() % 2 == 0});
      ASSERT_TRUE(queue_.add(buffers, token).ok());
      out.insert(token);
      for (const u16 head : device_.take()) {
        ASSERT_EQ(device_.chain(head).size(), length);
        held.push_back(head);
      }
    } else if (!held.empty()) {
      const usize at = random() % held.size();
      device_.use(held[at], 0);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      const auto used = queue_.take_used();
      ASSERT_TRUE(used);
      ASSERT_EQ(out.erase(used->token), 1U);
    }
  }
}

TEST_F(VirtqueueTest, InterruptsAndNotificationsAreHints) {
  EXPECT_TRUE(queue_.wants_notification());
  phys_to_virt<virtio::UsedHeader>(queue_.used_ring())->flags = virtio::kUsedNoNotify;
  EXPECT_FALSE(queue_.wants_notification());
  queue_.enable_interrupts(false);
  EXPECT_EQ(phys_to_virt<virtio::AvailHeader>(queue_.available_ring())->flags, virtio::kAvailNoInterrupt);
  queue_.enable_interrupts(true);
  EXPECT_EQ(phys_to_virt<virtio::AvailHeader>(queue_.available_ring())->flags, 0);
}

}  // namespace
}  // namespace kernel
