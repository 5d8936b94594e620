"""The machine: made, run by counts, looked at in between."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _core
from .checks import buffer_of, count, seconds, text_of
from .console import Console, Output
from .device import Device, described
from .drive import Drive
from .errors import Error, FileError, UsageError
from .events import EVENTS, MACHINE_EVENTS, Condition, Recording, fields_of, happens, terms_of
from .hart import Hart, hart_list
from .hooks import On
from .memory import PhysicalMemory
from .mmu import Mmu
from .history import History
from .introspection import Frames
from .process import Process
from .settings import Drives, Screen, Shares, Tlb, host_files, image_of, mounted_shares, path_of, program_of, setup
from .snapshot import Snapshot, StrPath
from .stats import Stats

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

Files = Mapping[str, StrPath]

_BOOT_LIMIT_INSNS = 2_000_000_000
_OUTPUT_LIMIT = "16M"
#: Names that stand for several events.
_GROUPS = {"syscall": ["syscall_enter", "syscall_exit"], "mem_access": ["mem_read", "mem_write"]}


class Input:
    """The guest's standard input. A guest that waits for more stops the run as 'idle'."""

    __slots__ = ("_history",)

    def __init__(self, history: History) -> None:
        self._history = history

    def write(self, data: Buffer) -> None:
        self._history.give_input(bytes(buffer_of("data", data)))

    def close(self) -> None:
        self._history.give_input(None)


def _common(guest: _core.Guest, seed: int) -> dict[str, Any]:
    return {"ram_bytes": guest.ram_bytes, "tlb": guest.tlb_config(), "isa": guest.isa(), "seed": seed,
            "engine": guest.engine(), "output_limit": guest.output_limit_bytes}


def _given(**settings: Any) -> dict[str, Any]:
    """Those that are not their default, as plain values."""
    return {name: value for name, value in settings.items() if value and value != "none"}


class Machine:
    """A whole machine. Make one with Machine.supervisor(), linux() or bare(); use it as a context manager.

    Same settings and same inputs give the same execution, however it is sliced into runs.

    >>> with quire.Machine.supervisor(ram="64M", seed=1) as m:
    ...     p = m.spawn(["./forktest"])
    ...     start = m.snapshot()
    ...     copies = m.record("cow")
    ...     m.run(until=p.exited).reason, p.returncode
    ...     there = m.digest
    ...     m.restore(start)
    ...     m.run(until=p.exited).reason, m.digest == there
    ('until', 0)
    ('until', True)
    >>> m
    <Machine, closed>
    """

    def __init__(self, guest: _core.Guest, config: dict[str, Any], devices: Sequence[Device] = ()) -> None:
        self._guest = guest
        self._devices = tuple(devices)
        added = {"devices": described(devices)} if devices else {}
        self.config: dict[str, Any] = {**config, **added, "version": _core.__version__}
        self.harts: tuple[Hart, ...] = hart_list(guest)
        self.phys = PhysicalMemory(guest)
        self.mmu = Mmu(guest)
        #: Functions to call as things happen: m.on.insn(pc)(function), @m.on.page_fault(pid=2).
        self.on = On(guest)
        self._history = History(guest, self.on._callbacks)
        self._console: Console | None = None
        self._host_files: dict[str, str] = {}  # by path in the guest: what spawn() put in
        self.stdin = Input(self._history)
        self.stdout = Output(guest, "stdout")
        self.stderr = Output(guest, "stderr")
        self.kernel_log = Output(guest, "uart")

    @classmethod
    def supervisor(cls, *, ram: str | int = "256M", tlb: Tlb = None, isa: str = "", seed: int = 0,
                   root: StrPath | None = None, shares: Shares = (), drives: Drives = (), net: str = "none",
                   screen: Screen = None, append: str = "", output_limit: str | int = _OUTPUT_LIMIT,
                   engine: str = "", devices: Sequence[Device] = ()) -> Machine:
        """The supervisor, up and idle: spawn() programs on it. Options are as the `quire run` command has them.

        `root` ("DIR" or "DIR:rw") makes a directory of the host the guest's /, and spawn() then takes paths in it;
        `shares` are {"/guest/path": directory} or ["HOST:GUEST[:rw]"]. `isa` ("rv64gc_zba") leaves other extensions
        out. `append` are words for the supervisor ("quire.fail-alloc=3"). Of the output, the last `output_limit`
        bytes are kept. `engine` is "auto", "interp" or "jit" (default: $QUIRE_ENGINE, else auto), with settings as
        --engine has them ("jit,off=loads"). Directories and the network are the host's: no snapshot can be taken with
        them. `devices` are quire.Device objects of your own, here and for the other machines.
        """
        where = "" if root is None else path_of("root", root)
        made = setup(ram=ram, tlb=tlb, isa=isa, seed=seed, drives=drives, net=net, screen=screen,
                     output_limit=output_limit, engine=engine, devices=devices)
        mounts = mounted_shares(shares)
        guest = _core.Guest.supervisor(made, None, where, mounts, text_of("append", append))
        machine = cls(guest, {"mode": "supervisor", **_common(guest, seed),
                              **_given(root=where, shares=mounts, drives=[os.fspath(drive) for drive in drives], net=net,
                                       screen=screen, append=append)}, devices)
        stop = machine.run(until=happens("boot"), max_insns=_BOOT_LIMIT_INSNS)
        if stop.reason != "until":
            log = machine.kernel_log.text.strip().splitlines()
            machine.close()
            raise Error(f"the supervisor did not come up ({stop.reason}): {log[-1] if log else 'its log is empty'}")
        return machine

    @classmethod
    def linux(cls, kernel: StrPath, *, initrd: StrPath | None = None, append: str = "", bios: StrPath | None = None,
              drives: Drives = (), shares: Shares = (), net: str = "none", screen: Screen = None,
              ram: str | int = "256M", tlb: Tlb = None, isa: str = "", seed: int = 0,
              output_limit: str | int = _OUTPUT_LIMIT, engine: str = "",
              devices: Sequence[Device] = ()) -> Machine:
        """A kernel (an Image or an ELF) before its first instruction, as `quire boot` makes it. Its UART is `console`.

        `drives` are raw images, as the command's --drive takes them: "disk.img,snapshot" keeps what the guest writes in
        memory, so that snapshots can be taken; "disk.img,ro" refuses writes. `shares` are {"tag": directory} or
        ["DIR,tag=NAME[,rw]"]; `net` is "none" or "user[,hostfwd=...]"; `bios` is firmware instead of the built-in SBI.
        """
        image, name = image_of("kernel", kernel)
        first, first_name = image_of("initrd", initrd) if initrd is not None else (b"", "")
        firmware, firmware_name = image_of("bios", bios) if bios is not None else (b"", "")
        made = setup(ram=ram, tlb=tlb, isa=isa, seed=seed, drives=drives, shares=shares, net=net, screen=screen,
                     output_limit=output_limit, engine=engine, devices=devices)
        guest = _core.Guest.linux(made, image, name, first, text_of("append", append), firmware, firmware_name)
        return cls(guest, {"mode": "linux", **_common(guest, seed), "kernel": name, "initrd": first_name, "append": append,
                           "drives": [os.fspath(drive) for drive in drives],
                           **_given(bios=firmware_name, shares=shares, net=net, screen=screen)}, devices)

    @classmethod
    def bare(cls, program: StrPath, *, ram: str | int = "256M", tlb: Tlb = None, isa: str = "", seed: int = 0,
             drives: Drives = (), shares: Shares = (), net: str = "none", screen: Screen = None,
             output_limit: str | int = _OUTPUT_LIMIT, engine: str = "",
             devices: Sequence[Device] = ()) -> Machine:
        """An ELF in M-mode on the board alone, before its first instruction. Its UART is `console`.

        `isa` ("rv64gc_zba") leaves other extensions out. `screen` ("1024x768" or a pair) gives it a framebuffer, which
        the device tree describes. Devices are given as to linux().
        """
        image, path = image_of("program", program)
        made = setup(ram=ram, tlb=tlb, isa=isa, seed=seed, drives=drives, shares=shares, net=net, screen=screen,
                     output_limit=output_limit, engine=engine, devices=devices)
        guest = _core.Guest.bare(made, image, path)
        return cls(guest, {"mode": "bare", **_common(guest, seed), "program": path,
                           "drives": [os.fspath(drive) for drive in drives],
                           **_given(shares=shares, net=net, screen=screen)}, devices)

    def spawn(self, argv: Sequence[StrPath], *, env: Mapping[str, str] | None = None, cwd: str = "/",
              files: Files | None = None) -> Process:
        """Puts a program of the host (argv[0]) and `files` {guest path: host file} in, and starts it."""
        if self.config["mode"] == "linux":
            raise UsageError("Linux takes no program from outside: type at its console, or use Machine.supervisor()")
        pid = self._guest.spawn(program_of(argv, env, cwd, files), self.on._callbacks)
        self._host_files |= host_files(argv, files, self.config.get("root", ""))
        return Process(self, self._guest, pid)

    def run(self, *, until: Condition | Iterable[Condition] | None = None, max_insns: int | None = None,
            timeout: float | None = None) -> _core.Stop:
        """Runs until a condition holds, `max_insns` more instructions, `timeout` seconds of the host, or the end.

        Ctrl-C raises KeyboardInterrupt between two instructions; running again goes on from there.
        """
        insns = None if max_insns is None else count(max_insns, "max_insns")
        return self._history.run(insns, seconds(timeout), terms_of(until, self._guest))

    def step(self, n: int = 1) -> _core.Stop:
        """Runs `n` instructions; backwards when `n` is negative, which needs a snapshot taken before (see run_to)."""
        if not isinstance(n, int):
            raise UsageError(f"step({n!r}) is not a whole number of instructions")
        if n < 0:
            if self.icount + n < 0:
                raise UsageError(f"step({n}) would go before the first instruction: icount is {self.icount}")
            return self.run_to(icount=self.icount + n)
        return self.run(max_insns=n)

    def run_to(self, *, icount: int) -> _core.Stop:
        """Runs to the moment at which `icount` instructions have been counted.

        A moment that is over is reached from the last snapshot before it, by playing again what happened since,
        input that was given included; run() then goes on through what is known, until you give other input.
        Whoever changed the machine otherwise (registers, memory, spawn) takes a snapshot after that: no way
        leads back through it.
        """
        return self._history.run_to(count(icount, "icount"))

    def run_back(self, *, until: Condition | Iterable[Condition]) -> _core.Stop:
        """Goes back to the last moment before now at which a condition held; 'start' as reason when none did.

        It then stands at the first snapshot that leads to now.
        """
        terms = terms_of(until, self._guest)
        if not terms:
            raise UsageError("run_back() takes the condition to go back to, as run(until=...) does")
        return self._history.run_back(terms)

    def snapshot(self) -> Snapshot:
        """All of the machine as it is now: restore() goes back to it, any number of times.

        Its cost follows what has changed since the last one. Captured output, stdin that the guest has not read
        and the process table are part of it; recordings are not.
        """
        taken = Snapshot(self._guest.snapshot(), self.config)
        self._history.taken(taken)
        return taken

    def restore(self, snapshot: Snapshot) -> None:
        """The machine becomes what it was at that snapshot, of this machine or of one with the same settings."""
        if not isinstance(snapshot, Snapshot):
            raise UsageError(f"restore() takes a Snapshot, not {type(snapshot).__name__}; Snapshot.load() reads one from a file")
        self._history.restore(snapshot)

    @property
    def console(self) -> Console:
        """Where the guest is typed to: the UART, or on the supervisor stdin and stdout of its programs."""
        if self._console is None:
            if self.config["mode"] == "supervisor":
                self._console = Console(self, "stdout", self.stdin.write)
            else:
                self._console = Console(self, "uart", self._history.give_uart)
        return self._console

    def stop(self) -> None:
        """Ends the run() of another thread, or the one that called this callback."""
        self._guest.stop()

    def record(self, *events: str, lo: int | str | None = None, hi: int | None = None, limit: int = 100_000_000,
               **fields: Any) -> Recording:
        """Records events natively from now on: record("page_fault", "cow", pid=2).

        There are the supervisor's events (quire.EVENTS) and the machine's (quire.MACHINE_EVENTS): "insn", "mem_read",
        "trap" ... of which lo <= address < hi are kept (lo alone: that one address or symbol; neither: all), and with
        pid= (a number or a process) those while that process' page table is in force. "syscall" stands for enter and
        exit, "mem_access" for reads and writes. Beyond `limit` events they are counted alone.
        """
        if not events:
            raise UsageError("record() takes the names of events")
        for event in events:
            if not isinstance(event, str):
                raise UsageError(f"record({event!r}) is not the name of an event; quire.EVENTS lists them")
        first, last = self.on._range(lo, hi, fields.get("pid"))
        process = self.on._pid(fields.pop("pid", None))
        names = {name for event in events for name in _GROUPS.get(event, [event])}
        if process is not None and any("pid" in EVENTS.get(name, ()) for name in names):
            fields["pid"] = process
        elif process is not None and not names & set(MACHINE_EVENTS):
            raise UsageError(f"none of the recorded events has a field 'pid': {', '.join(sorted(names))}")
        return Recording(self._guest, self._guest.record(list(events), fields_of(fields, self._guest), first, last, process,
                                                         count(limit, "limit", bits=40)))

    def process(self, pid: int) -> Process:
        """A process by its number, which the supervisor has told of; `processes` has them all."""
        if self._guest.process(count(pid, "pid", bits=31)) is None:
            raise UsageError(f"the supervisor has not told of a process {pid}")
        return Process(self, self._guest, pid)

    @property
    def processes(self) -> dict[int, Process]:
        """Every process that the supervisor has told of, by pid, exited ones included."""
        return {info.pid: Process(self, self._guest, info.pid) for info in self._guest.processes()}

    @property
    def frames(self) -> Frames:
        """The supervisor's books of memory: m.frames.stats, m.frames[pfn]."""
        return Frames(self)

    @property
    def icount(self) -> int:
        """Instructions retired plus instructions that trapped."""
        return self._guest.icount

    @property
    def time_ns(self) -> int:
        """Virtual time: icount plus what waiting skipped."""
        return self._guest.time_ns

    @property
    def stats(self) -> Stats:
        """What it has counted since its first instruction."""
        return Stats.from_core(self._guest.stats())

    @property
    def digest(self) -> str:
        """Of all registers, CSRs, RAM, icount and time: 16 hex digits."""
        return f"{self._guest.digest():016x}"

    def screen(self) -> memoryview:
        """The guest's screen as it is now: a copy, height x width x 4 bytes (red, green, blue, 255).

        It is a plain memoryview: `screen()[y, x, 0]` is a number, `shape` says the size, and
        `numpy.asarray()`, Pillow's `Image.frombuffer()` or matplotlib's `imshow()` take it as it is.
        """
        picture = self._guest.screen()
        if picture is None:
            raise UsageError('this machine has no screen; make it with Machine.bare(..., screen="1024x768")')
        width, height, pixels = picture
        return memoryview(pixels).cast("B", (height, width, 4))

    def screenshot(self, path: StrPath) -> None:
        """Writes the screen as it is now to a PNG file."""
        name = os.fspath(path)
        data = self._guest.screen_png()
        try:
            Path(name).write_bytes(data)
        except OSError as error:
            raise FileError(f"{name}: {error.strerror}; check the path") from None

    @property
    def drives(self) -> tuple[Drive, ...]:
        """Its drives, in the order in which it was given them."""
        return tuple(Drive(self._guest, number) for number in range(self._guest.drives()))

    @property
    def troubles(self) -> list[str]:
        """What went wrong between devices and the host or the guest's drivers, one line each."""
        return self._guest.troubles()

    def symbol(self, name: str) -> int | None:
        """Value of a symbol of the kernel's or bare program's ELF."""
        return self._guest.symbol(text_of("name", name))

    def close(self) -> None:
        """Frees the machine. Views of its memory stay valid."""
        self._guest.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._guest.closed:
            return "<Machine, closed>"
        return f"<Machine {self.config['mode']}, RAM {self.config['ram_bytes'] >> 20} MiB, seed {self.config['seed']}>"


__all__ = ["Input", "Machine"]
