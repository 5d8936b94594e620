#include "guest/init/program.h"

#include "guest/drivers/trace.h"
#include "guest/fs/devfs.h"
#include "guest/fs/vfs.h"
#include "guest/proc/console_terminal.h"
#include "guest/proc/exec.h"
#include "guest/proc/exit.h"
#include "guest/proc/process_table.h"

namespace kernel {

namespace {

/// What the starting thread and the new task tell each other; on the stack of the first, who waits.
struct Start {
  const RunRequest& request;
  u32 token;
  Task* task = nullptr;
  WaitQueue finished;
  bool done = false;
  Errno error{};
  bool failed = false;
  StartStep step = StartStep::kDirectory;
};

KResult<void> run_exec(Start& start) {
  ExecArgs args(exec_args_limit(current_process()));
  for (const StringView text : start.request.args) {
    TRY(args.add_arg(text));
  }
  if (start.request.args.empty()) {
    TRY(args.add_arg(start.request.executable));
  }
  for (const StringView text : start.request.env) {
    TRY(args.add_env(text));
  }
  const FsContext& context = current_fs();
  Path cwd = TRY(resolve(context, context.root, start.request.cwd, kResolveFollow | kResolveDirectory));
  current_task().fs().cwd = std::move(cwd);
  start.step = StartStep::kProgram;
  const Path program = TRY(resolve(context, context.cwd, start.request.executable, kResolveFollow));
  start.step = StartStep::kExecute;
  return exec_program(program, start.request.executable, args);
}

/// First code of the new task: becomes the program, or ends.
void become_program(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  Task& task = current_task();
  const auto result = run_exec(start);
  start.failed = !result.ok();
  start.error = result.ok() ? Errno{} : result.error();
  if (result.ok()) {
    trace(TraceEventId::k_spawn, start.token, task.process().pid(), task.process().space->satp());
  }
  start.done = true;
  start.finished.wake_all();
  if (!result.ok()) {
    exit_task(wait_status_exited(127));
  }
  return_to_user(&task.user_frame());
}

KResult<RefPtr<FdTable>> console_table(const FsContext& context) {
  auto files = TRY(try_make_ref<FdTable>());
  const bool terminal[3] = {is_console_stream_terminal(0), is_console_stream_terminal(1),
                            is_console_stream_terminal(2)};
  ConsoleFiles console = TRY(open_console_files(context, terminal));
  const u64 limit = default_limits()[Resource::kOpenFiles].soft;
  for (RefPtr<File>& file : console.streams) {
    TRY(files->install(std::move(file), CloseOnExec::kNo, limit));
  }
  return files;
}

KResult<RefPtr<SharedFsContext>> root_context() {
  auto fs = TRY(try_make_ref<SharedFsContext>());
  fs->context.root = root_path();
  fs->context.cwd = root_path();
  return fs;
}

}  // namespace

KResult<u32> start_program(const RunRequest& request, u32 token, StartStep* failed) {
  ProcessTable& table = process_table();
  auto fs = TRY(root_context());
  auto files = TRY(console_table(fs->context));
  Start start{.request = request, .token = token, .finished = {}};
  auto process = TRY(table.make_process(table.first()));
  // A session of its own, so that its jobs are its business.
  process->group = process->session = process->pid();
  if (Terminal* const terminal = console_terminal(); terminal != nullptr && terminal->session() == 0) {
    terminal->control(*process);
  }
  ScopeExit undo_process([&] { table.remove_process(*process); });
  process->actions = TRY(try_make_ref<SignalActions>());
  auto task = TRY(table.make_task(process, std::move(files), std::move(fs)));
  ScopeExit undo_task([&] {
    table.remove_task(*task);
    table.drop_files(*task);
  });
  start.task = task.get();
  TRY(task->init(request.executable, &become_program, &start));
  task->user_frame() = make_user_frame(VirtAddr(0), VirtAddr(0));
  undo_task.dismiss();
  undo_process.dismiss();
  const u32 pid = process->pid();
  task->start();
  wait_event(start.finished, [&start] { return start.done; });
  if (start.failed) {
    if (failed != nullptr) {
      *failed = start.step;
    }
    return Err(start.error);
  }
  return pid;
}

}  // namespace kernel
