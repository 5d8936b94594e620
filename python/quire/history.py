"""What happened to a machine from outside, in order: how it goes back by restoring a snapshot and playing again.

The way so far is a list of marks: snapshots, and input that was given between runs. What else changed the machine
(a register, memory, a program put in) cannot be played again: it cuts the way, and the next snapshot begins a new
one. After going back, the marks ahead are played as the machine comes to them, until it is given something else.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import _core
from .errors import UsageError
from .snapshot import Snapshot

_FAR = 1 << 62


def _left(deadline: float) -> float:
    """Seconds, as Guest.run takes them: 0 stands for no limit."""
    return max(deadline - time.monotonic(), 1e-9) if deadline else 0.0


@dataclass(frozen=True, slots=True)
class _Mark:
    icount: int
    idle: bool  # the guest had stopped there, waiting for input
    data: bytes | None = None  # input; None: its end
    uart: bool = False  # it is the UART's, else standard input
    snapshot: weakref.ref[Snapshot] | None = None


class History:
    __slots__ = ("_at", "_callbacks", "_edits", "_guest", "_idle_at", "_muted", "_way", "on_gone_back")

    def __init__(self, guest: _core.Guest, callbacks: list[Callable[..., object] | None]) -> None:
        self._guest = guest
        self._callbacks = callbacks
        self._muted = False
        self._way: list[_Mark] = []
        self._at = 0  # marks before it are behind the machine
        self._edits = 0
        self._idle_at = -1
        #: Called when the machine has become what it was at another moment.
        self.on_gone_back: Callable[[], None] = lambda: None

    # --- what happens ---

    def give_input(self, data: bytes | None, uart: bool = False) -> None:
        if self._guest.running:  # another thread's run: nobody knows at which count it arrives
            self._pour(data, uart)
            self._edits = -1
            return
        self._cut_if_edited()
        self._pour(data, uart)
        self._add(_Mark(self._guest.icount, self._idle_here(), data, uart))

    def give_uart(self, data: bytes) -> None:
        self.give_input(data, uart=True)

    def _pour(self, data: bytes | None, uart: bool) -> None:
        if uart and data is not None:
            self._guest.write_uart(data)
        elif data is None:
            self._guest.close_stdin()
        else:
            self._guest.write_stdin(data)

    def taken(self, snapshot: Snapshot) -> None:
        self._cut_if_edited()
        mark = _Mark(snapshot.icount, self._idle_here(), snapshot=weakref.ref(snapshot))
        self._way.insert(self._at, mark)
        self._at += 1

    def restore(self, snapshot: Snapshot) -> None:
        known = self._index_of(snapshot)
        self._guest.restore(snapshot._core)
        self._edits = self._guest.edits
        self._idle_at = -1
        self.on_gone_back()
        if known is None:
            self._way = [_Mark(snapshot.icount, idle=False, snapshot=weakref.ref(snapshot))]
            self._at = 1
        else:
            # Another way may lead on from here.
            self._at = known + 1
            del self._way[self._at:]

    def _add(self, mark: _Mark) -> None:
        del self._way[self._at:]
        self._forget_what_nothing_leads_to()
        self._way.append(mark)
        self._at = len(self._way)

    def _forget_what_nothing_leads_to(self) -> None:
        """Marks before the first snapshot that somebody keeps: a long session would fill the memory with them."""
        first = next((i for i in range(self._at) if self._alive(i) is not None), self._at)
        del self._way[:first]
        self._at -= first

    def _idle_here(self) -> bool:
        return self._idle_at == self._guest.icount

    def _index_of(self, snapshot: Snapshot) -> int | None:
        for i, mark in enumerate(self._way):
            if mark.snapshot is not None and mark.snapshot() is snapshot:
                return i
        return None

    def _cut_if_edited(self) -> None:
        if self._guest.edits != self._edits:
            self._edits = self._guest.edits
            self._way.clear()
            self._at = 0

    # --- forwards ---

    def run(self, max_insns: int | None, timeout: float, terms: list[_core.Condition]) -> _core.Stop:
        """As Guest.run; input ahead on the way is given when the machine comes to it."""
        self._cut_if_edited()
        deadline = time.monotonic() + timeout if timeout else 0.0
        end = _FAR if max_insns is None else self._guest.icount + max_insns
        while self._at < len(self._way) and self._way[self._at].icount <= end:
            mark = self._way[self._at]
            if not self._is_at(mark):
                # A guest that waits stands at its count before it has waited: it must be seen to stop.
                stop = self._run_guest(None if mark.idle else mark.icount - self._guest.icount, _left(deadline), terms)
                self._cut_if_edited()  # by a callback: what was ahead is not
                if stop.reason != ("idle" if mark.idle else "limit") or not self._is_at(mark) or not self._way:
                    return stop
                if mark.icount == end:  # what happened there happens when it goes on
                    return stop
            elif mark.icount == end:
                break
            self._pass(mark)
        return self._run_guest(None if max_insns is None else end - self._guest.icount, _left(deadline), terms)

    def _is_at(self, mark: _Mark) -> bool:
        return self._guest.icount == mark.icount and (not mark.idle or self._idle_here())

    def _run_guest(self, max_insns: int | None, timeout: float, terms: list[_core.Condition]) -> _core.Stop:
        # On the way back to what has been, callbacks were called already (and events recorded).
        stop = self._guest.run(max_insns, timeout, terms, None if self._muted else self._callbacks)
        if max_insns != 0:
            self._idle_at = stop.icount if stop.reason == "idle" else -1
        return stop

    def _pass(self, mark: _Mark) -> None:
        self._at += 1
        if mark.snapshot is None:
            self._pour(mark.data, mark.uart)

    # --- backwards ---

    def run_to(self, icount: int) -> _core.Stop:
        if icount >= self._guest.icount:
            return self.run(icount - self._guest.icount, 0.0, [])
        with self._silence():
            self._go_back(self._snapshot_before(icount))
            return self.run(icount - self._guest.icount, 0.0, [])

    def run_back(self, terms: list[_core.Condition]) -> _core.Stop:
        with self._silence():
            return self._run_back(terms)

    @contextmanager
    def _silence(self) -> Iterator[None]:
        self._muted = True
        self._guest.pause_recordings()
        try:
            yield
        finally:
            self._guest.resume_recordings()
            self._muted = False
            self.on_gone_back()

    def _run_back(self, terms: list[_core.Condition]) -> _core.Stop:
        now = self._guest.icount
        first = self._snapshot_before(now)
        starts = [i for i in range(self._at) if self._alive(i) is not None and self._way[i].icount < now] or [first]
        end = now
        for start in reversed(starts):
            found = self._last_before(start, end, terms)
            if found is not None:
                return self._replay_to(start, found, terms)
            end = self._way[start].icount + 1
        self._go_back(starts[0])
        stop = self.run(0, 0.0, [])
        return _core.Stop("start", stop.hart, stop.pc, stop.icount, "the condition did not hold since the first snapshot")

    def _last_before(self, start: int, end: int, terms: list[_core.Condition]) -> int | None:
        """How often the condition holds from a snapshot on, before `end`; None when it does not."""
        self._go_back(start)
        times = 0
        while True:
            before = self._guest.icount
            if before >= end - 1:
                return times or None
            stop = self.run(end - 1 - before, 0.0, terms)
            # An exit that is over holds for ever.
            if stop.reason != "until" or stop.icount == before:
                return times or None
            times += 1

    def _replay_to(self, start: int, times: int, terms: list[_core.Condition]) -> _core.Stop:
        self._go_back(start)
        for _ in range(times):
            stop = self.run(None, 0.0, terms)
        return stop

    def _alive(self, i: int) -> Snapshot | None:
        reference = self._way[i].snapshot
        return reference() if reference is not None else None

    def _go_back(self, to: int) -> None:
        snapshot = self._alive(to)
        assert snapshot is not None
        self._guest.restore(snapshot._core)
        self._edits = self._guest.edits
        self._idle_at = self._guest.icount if self._way[to].idle else -1
        self._at = to + 1

    def _snapshot_before(self, icount: int) -> int:
        self._cut_if_edited()
        for i in reversed(range(len(self._way))):
            if self._way[i].icount <= icount and self._alive(i) is not None:
                return i
        raise UsageError(f"no way leads back to icount {icount}: take a snapshot() before what you want to come back to, "
                         "keep it, and take one after changing registers or memory or spawning")


__all__ = ["History"]
