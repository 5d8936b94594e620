"""A recording as a Chrome trace (what ui.perfetto.dev, chrome://tracing and speedscope open) or as one of Perfetto's own.

One instruction is one nanosecond. Each process of the guest is a process of the trace; its system calls are slices, and so
are the stretches in which it ran; everything else is an instant with its fields as arguments. Tables go to CSV instead.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import FileError
from .events import Event

NS_PER_US = 1000


def _instant(event: Event, pid: int) -> dict[str, Any]:
    return {"name": event.event, "ph": "i", "s": "t", "ts": event.icount / NS_PER_US, "pid": pid, "tid": pid,
            "args": {name: hex(value) if isinstance(value, int) and name not in ("pid", "child") else value for name, value in event.fields.items()}}


def _slice(name: str, begin: int, end: int, pid: int, args: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "ph": "X", "ts": begin / NS_PER_US, "dur": (end - begin) / NS_PER_US, "pid": pid, "tid": pid, "args": args}


def trace_events(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """As the trace event format has them, in no particular order."""
    calls: dict[int, Event] = {}
    names: dict[int, str] = {}
    running: tuple[int, int] | None = None
    last = 0
    for event in events:
        last = event.icount
        pid = int(event.fields.get("pid", 0))
        if event.event == "exec":
            names[pid] = event.fields["comm"]
        if event.event == "syscall_enter":
            calls[pid] = event
        elif event.event == "syscall_exit" and pid in calls:
            call = calls.pop(pid)
            arguments = {name: hex(call.fields[name]) for name in ("a0", "a1", "a2", "a3", "a4", "a5")}
            yield _slice(str(call.nr), call.icount, event.icount, pid, {**arguments, "result": event.fields["result"]})
        elif event.event == "context_switch":
            if running is not None:
                yield _slice("running", running[1], event.icount, running[0], {})
            running = (int(event.fields["next"]), event.icount) if event.fields["next"] else None
        else:
            yield _instant(event, pid)
    if running is not None:
        yield _slice("running", running[1], last, running[0], {})
    for pid, call in calls.items():  # that did not return
        yield _slice(str(call.nr), call.icount, last, pid, {})
    for pid, name in names.items():
        yield {"name": "process_name", "ph": "M", "pid": pid, "tid": pid, "args": {"name": name}}


def write_trace(events: Iterable[Event], path: Path, origin: dict[str, Any]) -> None:
    """As Perfetto's own format where the name ends in .pftrace or .perfetto-trace, else as JSON."""
    if path.suffix in (".pftrace", ".perfetto-trace"):
        from .perfetto import perfetto_trace  # noqa: PLC0415  (only who asks for it pays)

        data = perfetto_trace(events)
    else:
        data = json.dumps({"traceEvents": list(trace_events(events)), "displayTimeUnit": "ns", "otherData": origin}).encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; check the path") from None


def write_csv(path: str | os.PathLike[str], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A line of names, then a line a row; None is empty, numbers are decimal. FileError where the path cannot be written to."""
    try:
        # What the guest named may be no text: such bytes go out as they came.
        with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            out = csv.writer(file)
            out.writerow(names)
            out.writerows(rows)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: {error.strerror}; check the path") from None


__all__ = ["NS_PER_US", "trace_events", "write_csv", "write_trace"]
