#include "guest/proc/sysv_sem.h"

#include <algorithm>
#include <optional>

#include "guest/fs/inode.h"
#include "guest/lib/intrusive.h"

namespace kernel {

namespace {

struct Semaphore {
  u16 value = 0;
  u32 last_pid = 0;
};

/// Of one process, an adjustment for each semaphore of the set.
struct Undo {
  const Process* process;
  Vector<i16> adjustments;
};

struct Request {
  Span<const SemaphoreOp> ops;
  Process* process;
};

/// An operation that waits: on its thread's stack.
struct Waiting {
  Request request;
  SemaphoreOp blocked_by;
  std::optional<KResult<void>> outcome;
  WaitQueue done;
  AutoListNode node;
};

struct Set {
  SemaphoreSetInfo info{};
  Vector<Semaphore> semaphores;  ///< empty: the place is free
  Vector<Undo> undos;
  AutoList<Waiting, &Waiting::node> waiting;
};

struct Table {
  Vector<UniquePtr<Set>> sets;
  u16 sequence = 0;
};
Table& table() {
  static Table all;
  return all;
}

FsCredentials caller() { return current_process().identity.effective(); }

/// EINVAL: no such number; EIDRM: it was one.
KResult<Set*> find(i32 id) {
  const usize index = static_cast<u32>(id) & ((1U << kIpcSequenceShift) - 1);
  auto& sets = table().sets;
  if (id < 0 || index >= sets.size() || !sets[index]) {
    return Err(Errno::kEINVAL);
  }
  Set* const set = sets[index].get();
  return set->info.permissions.number(index) == id ? KResult<Set*>(set) : KResult<Set*>(Err(Errno::kEIDRM));
}

/// The same for who may read (4) or alter (2) it. EACCES.
KResult<Set*> find_for(i32 id, u32 wanted) {
  Set* const set = TRY(find(id));
  TRY(set->info.permissions.check(wanted, caller()));
  return set;
}

/// Made if need be. ENOMEM.
KResult<Undo*> undo_of(Set& set, const Process& process) {
  for (Undo& undo : set.undos) {
    if (undo.process == &process) {
      return &undo;
    }
  }
  Undo fresh{&process, {}};
  TRY(fresh.adjustments.resize(set.semaphores.size()));
  TRY(set.undos.push(std::move(fresh)));
  return &set.undos.back();
}

/// What became of a request: done, an error, or the operation that it must wait for.
struct Attempt {
  KResult<void> result;
  std::optional<SemaphoreOp> blocked_by;
};

/// Tries the operations one after another; takes them back when one does not go.
Attempt attempt(Set& set, const Request& request, Undo* undo) {
  const auto ops = request.ops;
  Attempt tried;
  usize did = 0;
  for (; did < ops.size(); did++) {
    const SemaphoreOp& op = ops[did];
    u16& value = set.semaphores[op.number].value;
    const i32 after = i32{value} + op.change;
    if (op.change == 0 ? value != 0 : after < 0) {
      tried.blocked_by = op;
      break;
    }
    i32 adjustment = 0;
    if ((op.flags & kSemaphoreUndo) != 0 && op.change != 0) {
      adjustment = i32{undo->adjustments[op.number]} - op.change;
      if (adjustment < -static_cast<i32>(kMaxSemaphoreValue) - 1 ||
          adjustment > static_cast<i32>(kMaxSemaphoreValue)) {
        tried.result = Err(Errno::kERANGE);
        break;
      }
    }
    if (after > static_cast<i32>(kMaxSemaphoreValue)) {
      tried.result = Err(Errno::kERANGE);
      break;
    }
    value = static_cast<u16>(after);
    if ((op.flags & kSemaphoreUndo) != 0 && op.change != 0) {
      undo->adjustments[op.number] = static_cast<i16>(adjustment);
    }
  }
  if (did == ops.size()) {
    for (const SemaphoreOp& op : ops) {
      set.semaphores[op.number].last_pid = request.process->pid();
    }
    set.info.operation_time = wall_clock_now().seconds;
    return tried;
  }
  while (did-- > 0) {
    const SemaphoreOp& op = ops[did];
    set.semaphores[op.number].value = static_cast<u16>(set.semaphores[op.number].value - op.change);
    if ((op.flags & kSemaphoreUndo) != 0) {
      undo->adjustments[op.number] = static_cast<i16>(undo->adjustments[op.number] + op.change);
    }
  }
  if (tried.blocked_by && (tried.blocked_by->flags & kIpcNoWait) != 0) {
    tried = {Err(Errno::kEAGAIN), std::nullopt};
  }
  return tried;
}

bool wants_undo(Span<const SemaphoreOp> ops) {
  return std::any_of(ops.begin(), ops.end(),
                     [](const SemaphoreOp& op) { return (op.flags & kSemaphoreUndo) != 0; });
}

Attempt attempt(Set& set, const Request& request) {
  if (!wants_undo(request.ops)) {
    return attempt(set, request, nullptr);
  }
  const auto undo = undo_of(set, *request.process);
  return undo.ok() ? attempt(set, request, undo.value()) : Attempt{Err(undo.error()), std::nullopt};
}

void finish(Waiting& waiting, KResult<void> outcome) {
  waiting.node.unlink();
  waiting.outcome = std::move(outcome);
  waiting.done.wake_all();
}

/// After a change: does what waits and can be done, from the first on, until nothing more can.
void serve_waiting(Set& set) {
  for (auto at = set.waiting.begin(); at != set.waiting.end();) {
    Waiting& waiting = *at;
    Attempt tried = attempt(set, waiting.request);
    if (tried.blocked_by) {
      waiting.blocked_by = *tried.blocked_by;
      ++at;
      continue;
    }
    finish(waiting, std::move(tried.result));
    at = set.waiting.begin();
  }
}

KResult<i32> make_set(i32 key, u32 count, u32 flags) {
  if (count == 0) {
    return Err(Errno::kEINVAL);
  }
  auto& sets = table().sets;
  const usize index = static_cast<usize>(
      std::find_if(sets.begin(), sets.end(), [](const auto& set) { return !set; }) - sets.begin());
  if (index >= kMaxSemaphoreSets || sem_usage().semaphores + u64{count} > kMaxSemaphores) {
    return Err(Errno::kENOSPC);
  }
  auto set = TRY(try_make<Set>());
  TRY(set->semaphores.resize(count));
  if (index == sets.size()) {
    TRY(sets.push(nullptr));
  }
  set->info.permissions = IpcPermissions::make(key, flags, table().sequence++, caller());
  set->info.change_time = wall_clock_now().seconds;
  set->info.count = count;
  const i32 number = set->info.permissions.number(index);
  sets[index] = std::move(set);
  return number;
}

/// Nothing is left to undo of the semaphores [first, end): their values have been set anew.
void forget_undos(Set& set, usize first, usize end) {
  for (Undo& undo : set.undos) {
    std::fill(undo.adjustments.begin() + first, undo.adjustments.begin() + end, i16{0});
  }
}

void note_change(Set& set) {
  set.info.change_time = wall_clock_now().seconds;
  serve_waiting(set);
}

void apply_undo(Set& set, const Undo& undo) {
  for (usize i = 0; i < set.semaphores.size(); i++) {
    if (undo.adjustments[i] != 0) {
      // semop(2), BUGS: as far as it goes, and at once.
      const i32 after = i32{set.semaphores[i].value} + undo.adjustments[i];
      set.semaphores[i] = {static_cast<u16>(std::clamp(after, 0, static_cast<i32>(kMaxSemaphoreValue))),
                           undo.process->pid()};
    }
  }
}

}  // namespace

KResult<i32> sem_get(i32 key, i32 count, u32 flags) {
  if (count < 0 || static_cast<u32>(count) > kMaxSemaphoresPerSet) {
    return Err(Errno::kEINVAL);
  }
  auto& sets = table().sets;
  for (usize i = 0; key != kIpcPrivate && i < sets.size(); i++) {
    if (!sets[i] || sets[i]->info.permissions.key != key) {
      continue;
    }
    if ((flags & (kIpcCreate | kIpcExclusive)) == (kIpcCreate | kIpcExclusive)) {
      return Err(Errno::kEEXIST);
    }
    if (static_cast<usize>(count) > sets[i]->semaphores.size()) {
      return Err(Errno::kEINVAL);
    }
    TRY(sets[i]->info.permissions.check((flags >> 6) & 7, caller()));
    return sets[i]->info.permissions.number(i);
  }
  if (key != kIpcPrivate && (flags & kIpcCreate) == 0) {
    return Err(Errno::kENOENT);
  }
  return make_set(key, static_cast<u32>(count), flags);
}

KResult<void> sem_operate(i32 id, Span<const SemaphoreOp> ops, u64 deadline_ns) {
  Set* const set = TRY(find(id));
  bool alters = false;
  for (const SemaphoreOp& op : ops) {
    if (op.number >= set->semaphores.size()) {
      return Err(Errno::kEFBIG);
    }
    alters |= op.change != 0;
  }
  TRY(set->info.permissions.check(alters ? 2 : 4, caller()));
  const Request request{ops, &current_process()};
  Attempt tried = attempt(*set, request);
  if (!tried.blocked_by) {
    if (tried.result.ok() && alters) {
      serve_waiting(*set);
    }
    return std::move(tried.result);
  }
  Waiting waiting{.request = request, .blocked_by = *tried.blocked_by, .outcome = {}, .done = {}, .node = {}};
  set->waiting.push_back(waiting);
  const auto woken = wait_event_until(waiting.done, deadline_ns, [&] { return waiting.outcome.has_value(); });
  if (!woken.ok()) {  // the node takes itself out of the list
    return Err(woken.error() == Errno::kETIMEDOUT ? Errno::kEAGAIN : woken.error());
  }
  return std::move(*waiting.outcome);
}

KResult<SemaphoreSetInfo> sem_info(i32 id) { return TRY(find_for(id, 4))->info; }

KResult<void> sem_set_owner(i32 id, u32 uid, u32 gid, u32 mode) {
  Set* const set = TRY(find(id));
  TRY(set->info.permissions.check_owner(caller()));
  set->info.permissions.uid = uid;
  set->info.permissions.gid = gid;
  set->info.permissions.mode = mode & 0777;
  set->info.change_time = wall_clock_now().seconds;
  return {};
}

KResult<void> sem_remove(i32 id) {
  Set* const set = TRY(find(id));
  TRY(set->info.permissions.check_owner(caller()));
  while (!set->waiting.empty()) {
    finish(set->waiting.front(), Err(Errno::kEIDRM));
  }
  table().sets[static_cast<u32>(id) & ((1U << kIpcSequenceShift) - 1)] = nullptr;
  return {};
}

KResult<u32> sem_fact(i32 id, i32 number, SemaphoreFact fact) {
  const Set& set = *TRY(find_for(id, 4));
  if (number < 0 || static_cast<usize>(number) >= set.semaphores.size()) {
    return Err(Errno::kEINVAL);
  }
  const Semaphore& semaphore = set.semaphores[static_cast<usize>(number)];
  if (fact == SemaphoreFact::kValue || fact == SemaphoreFact::kLastPid) {
    return fact == SemaphoreFact::kValue ? u32{semaphore.value} : semaphore.last_pid;
  }
  const bool for_zero = fact == SemaphoreFact::kWaitingForZero;
  return static_cast<u32>(std::count_if(set.waiting.begin(), set.waiting.end(), [&](const Waiting& waiting) {
    return waiting.blocked_by.number == number && (waiting.blocked_by.change == 0) == for_zero;
  }));
}

KResult<usize> sem_count(i32 id, u32 wanted) { return TRY(find_for(id, wanted))->semaphores.size(); }

KResult<Vector<u16>> sem_values(i32 id) {
  const Set& set = *TRY(find_for(id, 4));
  Vector<u16> values;
  TRY(values.resize(set.semaphores.size()));
  std::transform(set.semaphores.begin(), set.semaphores.end(), values.begin(),
                 [](const Semaphore& semaphore) { return semaphore.value; });
  return values;
}

KResult<void> sem_set_values(i32 id, Span<const u16> values) {
  Set& set = *TRY(find_for(id, 2));
  if (values.size() != set.semaphores.size()) {
    return Err(Errno::kEIDRM);  // another set since the caller asked for the count
  }
  if (std::any_of(values.begin(), values.end(), [](u16 value) { return value > kMaxSemaphoreValue; })) {
    return Err(Errno::kERANGE);
  }
  for (usize i = 0; i < values.size(); i++) {
    set.semaphores[i] = {values[i], current_process().pid()};
  }
  forget_undos(set, 0, values.size());
  note_change(set);
  return {};
}

KResult<void> sem_set_value(i32 id, i32 number, i32 value) {
  if (value < 0 || value > static_cast<i32>(kMaxSemaphoreValue)) {
    return Err(Errno::kERANGE);
  }
  Set& set = *TRY(find(id));
  if (number < 0 || static_cast<usize>(number) >= set.semaphores.size()) {
    return Err(Errno::kEINVAL);
  }
  TRY(set.info.permissions.check(2, caller()));
  const usize at = static_cast<usize>(number);
  set.semaphores[at] = {static_cast<u16>(value), current_process().pid()};
  forget_undos(set, at, at + 1);
  note_change(set);
  return {};
}

KResult<i32> sem_number_at(i32 index) {
  auto& sets = table().sets;
  const usize at = static_cast<u32>(index);
  if (index < 0 || at >= sets.size() || !sets[at]) {
    return Err(Errno::kEINVAL);
  }
  return sets[at]->info.permissions.number(at);
}

SemaphoreUsage sem_usage() {
  SemaphoreUsage usage;
  auto& sets = table().sets;
  for (usize i = 0; i < sets.size(); i++) {
    if (sets[i]) {
      usage.sets++;
      usage.semaphores += static_cast<u32>(sets[i]->semaphores.size());
      usage.highest = static_cast<i32>(i);
    }
  }
  return usage;
}

void undo_semaphores(const Process& process) {
  for (const auto& set : table().sets) {
    if (!set) {
      continue;
    }
    Undo* const undo = std::find_if(set->undos.begin(), set->undos.end(),
                                    [&](const Undo& candidate) { return candidate.process == &process; });
    if (undo == set->undos.end()) {
      continue;
    }
    apply_undo(*set, *undo);
    std::swap(*undo, set->undos.back());
    set->undos.pop();
    set->info.operation_time = wall_clock_now().seconds;
    serve_waiting(*set);
  }
}

}  // namespace kernel
