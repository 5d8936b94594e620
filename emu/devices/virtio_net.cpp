#include "emu/devices/virtio_net.h"

#include <algorithm>
#include <cstring>

#include "emu/devices/virtio_mmio.h"

namespace quire {

using arch::Err;
using namespace arch::virtio;  // NOLINT(google-build-using-namespace): the feature and queue names

namespace {

constexpr std::size_t kMinFrameBytes = 14;  // addresses and type
// What a frame costs the host beside its bytes: it goes through a whole network stack.
constexpr u64 kFrameCost = 4096;

}  // namespace

VirtioNet::VirtioNet(std::unique_ptr<Network> network, const MacAddress& mac) : network_(std::move(network)) {
  std::copy(mac.begin(), mac.end(), config_.mac);
  config_.status = kNetStatusLinkUp;
  config_.max_virtqueue_pairs = 1;
  config_.mtu = Network::kMtu;
  network_->set_receiver([this](std::span<const u8> frame) { received(frame); });
}

u64 VirtioNet::features() const { return kNetFeatureMac | kNetFeatureStatus | kNetFeatureMtu; }

std::span<const u8> VirtioNet::config() const {
  return {reinterpret_cast<const u8*>(&config_), sizeof config_};
}

// What waits was meant for the driver that is gone.
void VirtioNet::driver_reset() { waiting_.clear(); }

void VirtioNet::notified(u32 queue) {
  if (queue == kNetQueueTransmit) {
    transport().serve(queue, [this](const Chain& chain) { return transmit(chain); });
  }
  deliver();
}

void VirtioNet::poll_inputs() {
  network_->poll();
  deliver();
}

/// From within the network's code: the guest's memory is not touched yet.
void VirtioNet::received(std::span<const u8> frame) {
  if (transport().live() && waiting_.size() < kMaxWaiting && frame.size() <= Network::kMaxFrameBytes) {
    waiting_.emplace_back(frame.begin(), frame.end());
  }
}

void VirtioNet::deliver() {
  if (!waiting_.empty()) {
    transport().serve(kNetQueueReceive, [this](const Chain& chain) { return fill(chain); });
  }
}

// 5.1.6.2: a header, of which nothing matters without offloads, and the frame. A wire has no way to refuse a
// frame that is too long or too short, so one is dropped.
VirtioNet::Answer VirtioNet::transmit(const Chain& chain) {
  BufferCursor in(transport().dma(), chain.readable);
  if (!chain.writable.empty() || !in.skip(sizeof(NetHeader))) {
    return Err(QueueError::kBadRequest);
  }
  transport().spend(kFrameCost);
  if (in.remaining() >= kMinFrameBytes && in.remaining() <= Network::kMaxFrameBytes) {
    buffer_.resize(in.remaining());
    if (!in.read(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
    network_->send(buffer_);
  }
  return std::optional<u32>(0);
}

// 5.1.6.3.1: without VIRTIO_NET_F_MRG_RXBUF every buffer holds the longest frame.
VirtioNet::Answer VirtioNet::fill(const Chain& chain) {
  if (waiting_.empty()) {
    return std::optional<u32>();
  }
  BufferCursor out(transport().dma(), chain.writable);
  const std::vector<u8>& frame = waiting_.front();
  if (!chain.readable.empty() || out.remaining() < sizeof(NetHeader) + frame.size()) {
    return Err(QueueError::kBadRequest);
  }
  NetHeader header{};
  header.num_buffers = 1;
  if (!out.write({reinterpret_cast<const u8*>(&header), sizeof header}) || !out.write(frame)) {
    return Err(QueueError::kBadAddress);
  }
  const u32 written = static_cast<u32>(sizeof header + frame.size());
  transport().spend(written);
  waiting_.pop_front();
  return std::optional(written);
}

}  // namespace quire
