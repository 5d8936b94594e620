"""One machine that plays injections, one after the other, each from the checkpoint before it.

Checkpoints are snapshots of the fault-free run at even distances. After an injection the run stops at each of them
that lies ahead: where its whole state is that of the fault-free run, what follows is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _core
from ..errors import Error
from ..machine import Machine
from ..process import Process
from ..snapshot import Snapshot
from .models import Fault, NotThere
from .outcomes import Ending

_CHECKPOINTS = 32
_HANG_FACTOR = 3
_HANG_EXTRA_INSNS = 1_000_000


class Session:
    """A machine at its start, and what it does without a fault. The machine stays the caller's."""

    def __init__(self, machine: Machine, process: Process, length: int | None = None) -> None:
        self.machine = machine
        self.process = process
        self._guest = machine._guest
        self._ends = [*process.exited._terms, _core.Condition("panic", [])]
        self._start = self._guest.snapshot()
        self.start_icount = self._start.icount
        self.length = self._play() if length is None else length
        self._guest.restore(self._start)
        #: The fault-free run at even distances; what lies ahead after an injection is known where they are met again.
        self._checkpoints: list[_core.Snapshot] = []
        self.golden = self._play_golden()

    def _play(self) -> int:
        """To the end of the process: how many instructions that takes."""
        stop = self._guest.run(None, 0.0, self._ends)
        if self.process.returncode is None:
            raise Error(f"without any fault the program does not end: {stop.reason} ({stop.detail})")
        return self._guest.icount - self.start_icount

    def _play_golden(self) -> Ending:
        for i in range(_CHECKPOINTS):
            at = self.start_icount + self.length * i // _CHECKPOINTS
            self._guest.run(at - self._guest.icount, 0.0, [])
            self._checkpoints.append(self._guest.snapshot())
        stop = self._guest.run(None, 0.0, self._ends)
        self._end = self._guest.snapshot()
        return self._ending(stop)

    def moments(self, ask: Callable[[Any, Callable[[], int]], Any]) -> Any:
        """The moments that a Space names; the machine is at its start again."""
        self._guest.restore(self._start)
        found = ask(self.machine, self._play)
        self._guest.restore(self._start)
        return found

    def go_to(self, insns: int) -> None:
        """To the moment before the fault-free run's instruction number `insns`."""
        at = self.start_icount + insns
        self._guest.restore(self._last_checkpoint(at))
        self._guest.run(at - self._guest.icount, 0.0, [])

    def _last_checkpoint(self, icount: int) -> _core.Snapshot:
        return next(c for c in reversed(self._checkpoints) if c.icount <= icount)

    def play(self, insns: int, fault: Fault) -> Ending | None:
        """The run with one fault; None when the place did not exist."""
        self.go_to(insns)
        try:
            fault.apply(self.machine, self.process)
            return self._finish()
        except NotThere:
            return None
        except Exception as error:  # noqa: BLE001: whatever it is, the other injections go on
            return Ending("emulator_error", None, b"", self._insns(), "", f"{type(error).__name__}: {error}")

    def _finish(self) -> Ending:
        here = self._guest.icount
        for checkpoint in self._checkpoints:
            if checkpoint.icount <= here:
                continue
            stop = self._guest.run(checkpoint.icount - self._guest.icount, 0.0, self._ends)
            if stop.reason != "limit":
                return self._ending(stop)
            if self._is_at(checkpoint):
                return self.golden
        limit = self.start_icount + _HANG_FACTOR * self.length + _HANG_EXTRA_INSNS
        return self._ending(self._guest.run(limit - self._guest.icount, 0.0, self._ends))

    def _is_at(self, moment: _core.Snapshot) -> bool:
        here = self._guest
        return here.icount == moment.icount and here.pc(0) == moment.pc and moment.same(here.snapshot())

    def _output(self) -> bytes:
        return self._guest.stdout() + b"\0" + self._guest.stderr()

    def _insns(self) -> int:
        return self._guest.icount - self.start_icount

    def _ending(self, stop: _core.Stop) -> Ending:
        if stop.reason == "until" and self.process.returncode is not None:
            how = "exit"
        else:
            how = {"until": "panic", "exited": "reboot"}.get(stop.reason, "hang")
        detail = f"{stop.reason}: {stop.detail}" if how != "exit" else ""
        state = f"{self._end.digest():016x}" if self._is_at(self._end) else "another"
        return Ending(how, self.process.returncode, self._output(), self._insns(), state, detail)


class Case:
    """A machine just before an injection, live: inject(), then look around."""

    def __init__(self, machine: Machine, process: Process, fault: Fault) -> None:
        self.machine = machine
        self.process = process
        self.fault = fault

    def inject(self) -> None:
        self.fault.apply(self.machine, self.process)

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.close()

    def __repr__(self) -> str:
        return f"<Case '{self.fault}' before {self.machine.harts[0].pc:#x}>"


def machine_for(config: dict[str, Any], snapshot: str) -> Machine:
    """A machine of a campaign's settings, restored from its file."""
    machine = Machine.supervisor(ram=config["ram_bytes"], tlb=config["tlb"], isa=config["isa"], seed=config["seed"])
    machine.restore(Snapshot.load(snapshot))
    return machine


__all__ = ["Case", "Session", "machine_for"]
