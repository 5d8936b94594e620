// wait4(2) and waitid(2): looks over the children, sleeps until one has something to report.
#include "guest/proc/exit.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

bool is_meant(const Process& child, const WaitRequest& request) {
  switch (request.who) {
    case WaitRequest::Who::kPid:
      if (child.pid() != request.id) {
        return false;
      }
      break;
    case WaitRequest::Who::kGroup:
      if (child.group != request.id) {
        return false;
      }
      break;
    case WaitRequest::Who::kAny:
      break;
  }
  // A "clone" child is one that does not report with SIGCHLD.
  const bool clone_child = child.exit_signal != kSIGCHLD;
  return (request.options & kWaitAll) != 0 || clone_child == ((request.options & kWaitClone) != 0);
}

void reap(Process& parent, Process& child, const Usage& usage) {
  parent.reaped += usage.times;
  parent.reaped += child.reaped;
  parent.reaped_minor_faults += usage.minor_faults + child.reaped_minor_faults;
  parent.reaped_major_faults += usage.major_faults + child.reaped_major_faults;
  parent.reaped_peak_rss_pages =
      std::max({parent.reaped_peak_rss_pages, usage.peak_rss_pages, child.reaped_peak_rss_pages});
  process_table().remove_process(child);
}

/// Fills `result` when `child` has something to report, and takes it off unless WNOWAIT.
bool report(Process& parent, Process& child, u32 options, WaitResult& result) {
  const bool keep = (options & kWaitNoWait) != 0;
  const auto name_child = [&] {
    result.pid = child.pid();
    result.uid = child.identity.user.real;
  };
  if (child.state == ProcessState::kZombie && (options & kWaitExited) != 0) {
    name_child();
    result.status = child.end_status;
    result.code = (child.end_status & 0x7f) == 0 ? kCldExited : kCldKilled;
    result.usage = usage_of(child);
    if (!keep) {
      reap(parent, child, result.usage);
    }
    return true;
  }
  if (child.stopped && !child.stop_reported && (options & kWaitStopped) != 0) {
    result.status = wait_status_stopped(child.stop_signal);
    result.code = kCldStopped;
    child.stop_reported = !keep;
  } else if (!child.continue_reported && (options & kWaitContinued) != 0) {
    result.status = kWaitStatusContinued;
    result.code = kCldContinued;
    child.continue_reported = !keep;
  } else {
    return false;
  }
  name_child();
  result.usage = usage_of(child);
  return true;
}

}  // namespace

KResult<WaitResult> wait_for_child(const WaitRequest& request) {
  Process& parent = current_process();
  WaitResult result;
  bool any = false;
  const auto looked = wait_event_interruptible(parent.child_events, [&] {
    if (result.pid != 0) {
      return true;  // asked again after a find: that child is taken off already
    }
    any = false;
    for (Process& child : parent.children()) {
      if (is_meant(child, request)) {
        any = true;
        if (report(parent, child, request.options, result)) {
          return true;
        }
      }
    }
    return !any || (request.options & kWaitNoHang) != 0;
  });
  if (!looked.ok()) {
    return Err(looked.error());
  }
  if (!any) {
    return Err(Errno::kECHILD);
  }
  return result;
}

void reap_orphans(Process& process) {
  WaitResult ignored;
  auto& children = process.children();
  for (auto it = children.begin(); it != children.end();) {
    Process& child = *it;
    ++it;
    if (child.state == ProcessState::kZombie) {
      (void)report(process, child, kWaitExited, ignored);
    }
  }
}

}  // namespace kernel
