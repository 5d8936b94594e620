// The guest's processes as its events tell them: who runs, in which address space, how each ended.
//
// Invariant: a process listed as alive has the satp with which it last ran; an exited one has none (0),
// because its page table belongs to somebody else by then.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "quire/state_archive.h"
#include "quire/trace_sink.h"

namespace quire {

struct ProcessInfo {
  int pid = 0;
  int parent = 0;          ///< 0: started from outside
  std::uint64_t satp = 0;  ///< 0 once it has exited
  std::string comm;        ///< as the last exec named it; a child's is its parent's until then
  bool exited = false;
  int wait_status = 0;  ///< as wait4(2) stores it; valid when exited
  std::uint64_t start_icount = 0;
  std::uint64_t exit_icount = 0;  ///< valid when exited

  /// Signal that killed it, or 0.
  int term_signal() const { return exited ? wait_status & 0x7f : 0; }
  int exit_code() const { return exited ? (wait_status >> 8) & 0xff : 0; }
};

class ProcessTable : public TraceSink {
 public:
  void on_event(const TraceEvent& event) override;
  void transfer(StateArchive& archive);

  const std::map<int, ProcessInfo>& all() const { return processes_; }
  const ProcessInfo* find(int pid) const;
  /// The program that the run file named (spawn token 0), or null before it has started.
  const ProcessInfo* main_program() const { return find(main_pid_); }

 private:
  ProcessInfo& known(std::uint64_t pid, const TraceEvent& event);

  std::map<int, ProcessInfo> processes_;
  int main_pid_ = -1;
};

}  // namespace quire
