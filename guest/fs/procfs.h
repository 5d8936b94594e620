// procfs: files whose contents are made when they are read, by functions that higher layers register.
//
// A text is made at the first read and again after a seek to 0, and lives with the opening. Everything
// is registered at boot, before the first process; the registry only grows.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

/// Which process (and thread, under task/) a file is about; 0 at the top level.
struct ProcContext {
  u32 pid = 0;
  u32 tid = 0;
  i32 fd = -1;  ///< under fdinfo/
};

struct ProcFile {
  const char* name;  ///< at the top level may have directories: "sys/vm/overcommit_memory"
  u32 mode;          ///< permissions
  /// The whole text. ESRCH when the process is gone.
  KResult<void> (*generate)(const ProcContext& context, FormatSink& out) = nullptr;
  /// Instead of text: bytes at a position (pagemap, mem).
  KResult<usize> (*read)(const ProcContext& context, u64 position, IoBuffer& buffer) = nullptr;
  KResult<usize> (*write)(const ProcContext& context, u64 position, IoBuffer& buffer) = nullptr;
};

/// A link to a file, shown as its path: exe, cwd, root.
struct ProcLink {
  const char* name;
  KResult<Path> (*target)(const ProcContext& context);
};

/// The tables must live for ever. ENOMEM.
KResult<void> register_proc_file(const ProcFile& file);
/// In every /proc/PID and /proc/PID/task/TID.
KResult<void> register_proc_pid_file(const ProcFile& file);
KResult<void> register_proc_pid_link(const ProcLink& link);

/// What procfs asks about processes. Numbers are as the calling process sees them.
struct ProcProcesses {
  u32 (*self)() = nullptr;         ///< pid of the running process
  u32 (*self_thread)() = nullptr;  ///< its tid
  bool (*exists)(u32 pid) = nullptr;
  u32 (*next)(u32 after) = nullptr;  ///< the lowest pid above `after`; 0: none
  bool (*has_thread)(u32 pid, u32 tid) = nullptr;
  u32 (*next_thread)(u32 pid, u32 after) = nullptr;
  void (*owner)(u32 pid, u32& uid, u32& gid) = nullptr;
  KResult<RefPtr<File>> (*file)(u32 pid, i32 fd) = nullptr;
  bool (*closes_on_exec)(u32 pid, i32 fd) = nullptr;
  i32 (*next_file)(u32 pid, i32 from) = nullptr;  ///< first descriptor at or after `from`; -1: none
};
void set_proc_processes(const ProcProcesses& processes);

/// Registers what the file layers themselves know: mounts, filesystems. Then makes the file system.
KResult<RefPtr<FileSystem>> make_procfs();

}  // namespace kernel
