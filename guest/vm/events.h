// Tracepoints of the address space: argument lists exactly as in quire/arch/trace_events.inc.
#pragma once

#include "guest/drivers/trace.h"
#include "guest/vm/vma.h"

namespace kernel {

/// The pid that events carry; 0 until set_current_pid().
u32 event_pid();

inline void emit_mmap(const Vma& vma, u32 map_flags) {
  trace(TraceEventId::k_mmap, event_pid(), vma.start, vma.end, vma.prot, map_flags,
        vma.file ? vma.file->inode().number() : 0, vma.file ? vma.file_page << kPageShift : 0);
}
inline void emit_munmap(VirtAddr start, VirtAddr end) {
  trace(TraceEventId::k_munmap, event_pid(), start, end);
}
inline void emit_page_fault(VirtAddr va, Access access, FaultKind kind, const Vma* vma, u64 pfn) {
  trace(TraceEventId::k_page_fault, event_pid(), va, access, kind, vma != nullptr ? vma->start : VirtAddr(0),
        vma != nullptr ? vma->end : VirtAddr(0), vma != nullptr ? vma->prot : 0, pfn);
}
inline void emit_cow(VirtAddr va, u64 old_pfn, u64 new_pfn, u32 sharers_before, u32 sharers_after) {
  trace(TraceEventId::k_cow, event_pid(), va, old_pfn, new_pfn, sharers_before, sharers_after);
}

}  // namespace kernel
