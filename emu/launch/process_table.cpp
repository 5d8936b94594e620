// Following the guest's processes; see quire/process_table.h.
#include "quire/process_table.h"

#include <cstring>

namespace quire {
namespace {

/// `comm0`, `comm1` of trace_events.inc: 16 bytes, zero-padded.
std::string comm_of(std::uint64_t word0, std::uint64_t word1) {
  char text[17] = {};
  std::memcpy(text, &word0, 8);
  std::memcpy(text + 8, &word1, 8);
  return text;
}

}  // namespace

const ProcessInfo* ProcessTable::find(int pid) const {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

ProcessInfo& ProcessTable::known(std::uint64_t pid, const TraceEvent& event) {
  const int key = static_cast<int>(pid);
  const auto [place, fresh] = processes_.try_emplace(key);
  if (fresh) {
    place->second.pid = key;
    place->second.start_icount = event.icount;
  }
  return place->second;
}

void ProcessTable::on_event(const TraceEvent& event) {
  const auto& args = event.args;
  switch (event.id) {
    case arch::TraceEventId::k_spawn: {
      ProcessInfo& process = known(args[1], event);
      process.satp = args[2];
      if (args[0] == 0 && main_pid_ < 0) {
        main_pid_ = process.pid;
      }
      break;
    }
    case arch::TraceEventId::k_fork: {
      // The number may be one that an earlier process had.
      processes_.erase(static_cast<int>(args[1]));
      ProcessInfo& child = known(args[1], event);
      child.parent = static_cast<int>(args[0]);
      child.satp = args[2];
      if (const ProcessInfo* parent = find(child.parent)) {
        child.comm = parent->comm;
      }
      break;
    }
    case arch::TraceEventId::k_exec: {
      ProcessInfo& process = known(args[0], event);
      process.satp = args[1];
      process.comm = comm_of(args[3], args[4]);
      break;
    }
    case arch::TraceEventId::k_exit: {
      ProcessInfo& process = known(args[0], event);
      process.exited = true;
      process.wait_status = static_cast<int>(args[1]);
      process.exit_icount = event.icount;
      process.satp = 0;
      break;
    }
    case arch::TraceEventId::k_context_switch: {
      // An address space may get another ASID when it runs again.
      const auto next = processes_.find(static_cast<int>(args[1]));
      if (next != processes_.end() && !next->second.exited && args[2] != 0) {
        next->second.satp = args[2];
      }
      break;
    }
    default:
      break;
  }
}

void ProcessTable::transfer(StateArchive& archive) {
  std::vector<ProcessInfo> list;
  for (const auto& [pid, process] : processes_) {
    list.push_back(process);
  }
  list.resize(archive.count(list.size()));
  for (ProcessInfo& p : list) {
    archive(p.pid, p.parent, p.satp, p.comm, p.exited, p.wait_status, p.start_icount, p.exit_icount);
  }
  archive(main_pid_);
  if (archive.loading()) {
    processes_.clear();
    for (ProcessInfo& process : list) {
      processes_[process.pid] = std::move(process);
    }
  }
}

}  // namespace quire
