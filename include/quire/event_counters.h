// How many of the supervisor's events there were: by kind, and page faults by how they were answered.
#pragma once

#include <array>
#include <cstdint>

#include "quire/state_archive.h"
#include "quire/trace_sink.h"

namespace quire {

class EventCounters : public TraceSink {
 public:
  static constexpr std::size_t kMaxEvents = 64;
  static constexpr std::size_t kMaxFaultKinds = 32;

  void on_event(const TraceEvent& event) override;
  void transfer(StateArchive& archive) { archive(events_, faults_); }

  std::uint64_t events(arch::TraceEventId id) const { return events_[static_cast<std::size_t>(id)]; }
  std::uint64_t faults(arch::FaultKind kind) const { return faults_[static_cast<std::size_t>(kind)]; }
  /// Answered without reading a backing store; those that ended in a signal or an error are in neither.
  std::uint64_t minor_faults() const;
  std::uint64_t major_faults() const { return faults(arch::FaultKind::k_file_major); }

 private:
  std::array<std::uint64_t, kMaxEvents> events_{};
  std::array<std::uint64_t, kMaxFaultKinds> faults_{};
};

}  // namespace quire
