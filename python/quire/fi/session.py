"""One machine that plays injections, one after the other, each from the checkpoint before it.

What runs is a workload: a process of the supervisor, or a whole machine up to its end. Checkpoints are snapshots of the
fault-free run at even distances. After an injection the run stops at each of them that lies ahead: where its whole state
is that of the fault-free run, faults that wait included, what follows is known.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from .. import _core
from ..errors import Error, UsageError
from ..machine import Machine
from ..process import Process
from ..snapshot import Snapshot
from .check import judge
from .models import Fault, NotThere
from .outcomes import Ending

_CHECKPOINTS = 32
_HANG_FACTOR = 3
_HANG_EXTRA_INSNS = 1_000_000
_PANIC = b"Kernel panic"


@dataclass(frozen=True, slots=True)
class Workload:
    """What a campaign runs: until `process` has ended and all of `neighbours` have, or (process None) the machine."""

    pid: int | None
    neighbours: tuple[int, ...] = ()
    check: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"pid": self.pid, "neighbours": list(self.neighbours), "check": self.check}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Workload:
        return cls(fields["pid"], tuple(fields["neighbours"]), fields["check"])


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the run without a fault: instructions, and seconds of the host (0: any number)."""

    insns: int | None = None
    seconds: float = 0.0


NO_LIMITS = Limits()


class Session:
    """A machine at its start, and what it does without a fault. The machine stays the caller's."""

    def __init__(self, machine: Machine, workload: Workload, length: int | None = None, limits: Limits = NO_LIMITS) -> None:
        self.machine = machine
        self.workload = workload
        self.process = None if workload.pid is None else machine.process(workload.pid)
        watched = () if workload.pid is None else (workload.pid, *workload.neighbours)
        self._watched = [machine.process(pid) for pid in watched]
        self._guest = machine._guest
        self._supervised = machine.config["mode"] == "supervisor"
        self._start = self._guest.snapshot()
        self._reboots = self._guest.reboots
        self.start_icount = self._start.icount
        self.length = self.play_to_end(limits) if length is None else length
        self._guest.restore(self._start)
        #: The fault-free run at even distances; what lies ahead after an injection is known where they are met again.
        self._checkpoints: list[_core.Snapshot] = []
        self.golden = self._play_golden()

    # --- running ---

    def _alive(self) -> list[Process]:
        return [process for process in self._watched if process.returncode is None]

    def _advance(self, until_icount: int | None, timeout: float = 0.0) -> _core.Stop:
        """To that count, or the end of the workload."""
        while True:
            alive = self._alive()
            ends = [term for process in alive for term in process.exited._terms]
            ends += [_core.Condition("panic", []), _core.Condition("boot", [])] if self._supervised else []
            left = None if until_icount is None else max(0, until_icount - self._guest.icount)
            stop = self._guest.run(left, timeout, ends)
            if stop.reason == "until" and 0 < len(self._alive()) < len(alive):
                continue  # one has ended, and others are waited for
            return stop

    def play_to_end(self, limits: Limits = NO_LIMITS) -> int:
        """From where the machine is; how many instructions that takes since the start."""
        stop = self._advance(None if limits.insns is None else self.start_icount + limits.insns, limits.seconds)
        if not self._has_ended(stop):
            subject = "program" if self.process else "machine"
            if stop.reason in ("limit", "timeout"):
                raise UsageError(f"without any fault the {subject} has not ended after {self.insns} instructions; what is injected into must "
                                 "end: give more with max_insns= and timeout= (--max-insns, --timeout), or another program")
            raise Error(f"without any fault the {subject} does not end: {stop.reason} ({stop.detail})")
        return self.insns

    def _has_ended(self, stop: _core.Stop) -> bool:
        return not self._alive() if self.process is not None else stop.reason == "exited"

    def _play_golden(self) -> Ending:
        for i in range(_CHECKPOINTS):
            self._advance(self.start_icount + self.length * i // _CHECKPOINTS)
            self._checkpoints.append(self._guest.snapshot())
        stop = self._advance(None)
        self._check_output()
        self._end = self._guest.snapshot()
        return self._ending(stop)

    def _check_output(self) -> None:
        """What is not kept cannot be compared: wrong output would pass for right."""
        for stream in ("stdout", "stderr", "uart"):
            if self._guest.output_dropped(stream):
                raise UsageError(f"the run writes {self._guest.output_bytes(stream)} bytes to {stream}, of which the machine keeps less; "
                                 "give it a larger output_limit=")

    def restart(self) -> None:
        """To the start."""
        self._guest.restore(self._start)

    def run_on_to(self, insns: int) -> None:
        """From an earlier moment of the fault-free run to the one before instruction `insns`."""
        self._advance(self.start_icount + insns)

    def go_to(self, insns: int) -> None:
        """To the moment before the fault-free run's instruction number `insns`."""
        at = self.start_icount + insns
        self._guest.restore(self._last_checkpoint(at))
        self._advance(at)

    def _last_checkpoint(self, icount: int) -> _core.Snapshot:
        return next(c for c in reversed(self._checkpoints) if c.icount <= icount)

    def play(self, insns: int, fault: Fault) -> Ending | None:
        """The run with one fault; None when it was not activated."""
        self.go_to(insns)
        try:
            fault.apply(self.machine, self.process)
            ending = self._checked() if fault.ends_run else self._finish()
            if fault.waits and not fault.has_come(self.machine):
                return None
            return ending
        except NotThere:
            return None
        except Exception as error:  # noqa: BLE001: whatever it is, the other injections go on
            return Ending("emulator_error", None, b"", self.insns, "", f"{type(error).__name__}: {error}")

    def _finish(self) -> Ending:
        here = self._guest.icount
        for checkpoint in self._checkpoints:
            if checkpoint.icount <= here:
                continue
            stop = self._advance(checkpoint.icount)
            if stop.reason != "limit":
                return self._ending(stop)
            if self._is_at(checkpoint):
                return self.golden
            if self._guest.reboots != self._reboots:
                return self._ending(stop)
        limit = self.start_icount + _HANG_FACTOR * self.length + _HANG_EXTRA_INSNS
        return self._ending(self._advance(limit))

    def _is_at(self, moment: _core.Snapshot) -> bool:
        here = self._guest
        return here.icount == moment.icount and here.pc(0) == moment.pc and moment.same(here.snapshot())

    # --- what came of it ---

    @property
    def insns(self) -> int:
        """Since the start."""
        return self._guest.icount - self.start_icount

    def _output(self) -> bytes:
        streams = [self._guest.stdout(), self._guest.stderr()]
        if self.process is None:
            streams.append(self._guest.kernel_log())
        return b"\0".join(streams)

    def _how(self, stop: _core.Stop) -> str:
        if self._guest.reboots != self._reboots:
            how = "reboot"
        elif self._has_ended(stop):
            return "exit"
        else:
            how = {"until": "panic", "exited": "reboot"}.get(stop.reason, "hang")
        return "panic" if not self._supervised and _PANIC in self._guest.kernel_log() else how

    def _others(self) -> tuple[tuple[int, int | None], ...]:
        """Every process but the program and what it has started, at whatever remove."""
        if self.process is None:
            return ()
        parents = {info.pid: info.parent for info in self._guest.processes()}
        mine = self.process.pid

        def is_mine(pid: int) -> bool:
            while pid not in (mine, 0) and pid in parents:
                pid = parents[pid]
            return pid == mine

        return tuple((pid, self.machine.process(pid).returncode) for pid in sorted(parents) if not is_mine(pid))

    def _ending(self, stop: _core.Stop) -> Ending:
        how = self._how(stop)
        returncode = stop.exit_status if self.process is None else self.process.returncode
        state = f"{self._end.digest():016x}" if self._is_at(self._end) else "another"
        verdict, said = judge(self.machine, self.workload.check) if how == "exit" and self.workload.check else ("", "")
        return Ending(how, returncode, self._output(), self.insns, state, self._detail(how, stop) or said, self._others(), verdict)

    def _detail(self, how: str, stop: _core.Stop) -> str:
        """Of a panic, the kernel's own words."""
        if how == "exit":
            return ""
        words = self._guest.kernel_log().decode(errors="replace").split("panic", 1) if how == "panic" else []
        return "panic" + words[1].splitlines()[0] if len(words) == 2 else f"{stop.reason}: {stop.detail}"

    def _checked(self) -> Ending:
        """The power is off: what the disks hold is all there is."""
        verdict, said = judge(self.machine, self.workload.check)
        return Ending("checked", None, b"", self.insns, "", said, (), verdict)


class Case:
    """A machine just before an injection, live: inject(), then look around."""

    def __init__(self, machine: Machine, process: Process | None, fault: Fault) -> None:
        self.machine = machine
        self.process = process
        self.fault = fault

    def inject(self) -> None:
        """Makes the fault happen, in `machine`, now; for those that wait, from now on."""
        self.fault.apply(self.machine, self.process)

    def __enter__(self) -> Case:
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.close()

    def __repr__(self) -> str:
        return f"<Case '{self.fault}' before {self.machine.harts[0].pc:#x}>"


def machine_for(config: dict[str, Any], snapshot: str) -> Machine:
    """A machine of a campaign's settings, restored from its file."""
    settings = {name: config[name] for name in _SETTINGS[config["mode"]] if config.get(name)}
    common = {"ram": config["ram_bytes"], "tlb": config["tlb"], "isa": config["isa"], "seed": config["seed"],
              "engine": config["engine"], "output_limit": config["output_limit"], **settings}
    if config["mode"] == "supervisor":
        machine = Machine.supervisor(**common)
    elif config["mode"] == "linux":
        machine = Machine.linux(config["kernel"], **common)
    else:
        machine = Machine.bare(config["program"], **common)
    machine.restore(Snapshot.load(snapshot))
    return machine


def config_elsewhere(config: dict[str, Any]) -> dict[str, Any]:
    """The settings for whoever works in another directory."""
    moved = {**config, "drives": [os.path.abspath(drive) for drive in config.get("drives", ())]}
    moved.update({name: os.path.abspath(config[name]) for name in ("kernel", "initrd", "bios", "program") if config.get(name)})
    return moved


_SETTINGS = {"supervisor": ("drives", "screen", "append"), "linux": ("initrd", "append", "bios", "drives", "screen"),
             "bare": ("drives", "screen")}

__all__ = ["Case", "Limits", "Session", "Workload", "machine_for"]
