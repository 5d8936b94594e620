// Resource limits of a process (getrlimit(2)).
#pragma once

#include "guest/lib/types.h"

namespace kernel {

enum class Resource : u32 {
  kCpu = 0,
  kFileSize = 1,
  kData = 2,
  kStack = 3,
  kCore = 4,
  kRss = 5,
  kProcesses = 6,
  kOpenFiles = 7,
  kLockedMemory = 8,
  kAddressSpace = 9,
  kLocks = 10,
  kPendingSignals = 11,
  kMessageQueue = 12,
  kNice = 13,
  kRealtimePriority = 14,
  kRealtimeTime = 15,
};
inline constexpr unsigned kResources = 16;
inline constexpr u64 kUnlimited = ~u64{0};

/// As prlimit64(2) passes it.
struct Limit {
  u64 soft = kUnlimited;
  u64 hard = kUnlimited;
};

struct Limits {
  Limit values[kResources];

  Limit& operator[](Resource resource) { return values[static_cast<u32>(resource)]; }
  const Limit& operator[](Resource resource) const { return values[static_cast<u32>(resource)]; }
};

/// What the first process gets.
inline Limits default_limits() {
  Limits limits;
  limits[Resource::kStack] = {u64{8} << 20, kUnlimited};
  limits[Resource::kCore] = {0, kUnlimited};
  limits[Resource::kProcesses] = {8192, 8192};
  limits[Resource::kOpenFiles] = {1024, 1 << 20};
  limits[Resource::kLockedMemory] = {u64{8} << 20, u64{8} << 20};
  limits[Resource::kPendingSignals] = {8192, 8192};
  limits[Resource::kMessageQueue] = {819200, 819200};
  limits[Resource::kNice] = {0, 0};
  limits[Resource::kRealtimePriority] = {0, 0};
  return limits;
}

}  // namespace kernel
