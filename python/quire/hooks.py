"""m.on: functions that are called at the very moment, between two instructions.

    @m.on.page_fault(pid=p.pid)
    def seen(e): ...

    with m.on.insn(m.symbol("main"))(look) as hook:
        m.run()

In a callback the machine stands still: registers, memory and snapshot() work, a changed pc is where it goes on,
and stop() ends the run(). Running, restoring or closing raises Busy. What a callback raises comes out of run(), and
the machine can go on from there. Callbacks are for what is rare; record() is for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from . import _core
from .checks import count
from .errors import UsageError
from .events import EVENTS, Event, event_of, fields_of
from .process import Process

_END = 1 << 64
_CAUSES = {name: number for number, name in _core.exception_names().items()}
_INTERRUPTS = {"supervisor software": 1, "machine software": 3, "supervisor timer": 5, "machine timer": 7,
               "supervisor external": 9, "machine external": 11}

Callback = Callable[[Any], object]


class Hook:
    """A function that is called; remove() ends that, and so does the end of a `with` block."""

    __slots__ = ("_function", "_numbers", "_on", "what")

    def __init__(self, on: On, numbers: list[int], function: Callback, what: str) -> None:
        self._on = on
        self._numbers = numbers
        self._function = function
        #: What it is called for, for people.
        self.what = what

    def remove(self) -> None:
        """It is called no more. Twice does no harm."""
        self._on._remove(self._numbers)  # Busy while another thread runs: it is active then, and can be removed later
        self._numbers = []

    @property
    def active(self) -> bool:
        """Until it is removed."""
        return bool(self._numbers)

    @property
    def hits(self) -> int:
        """How often what it is for has happened since it was added; 0 once it is removed."""
        return sum(self._on._guest.hook_hits(number) for number in self._numbers)

    def __call__(self, event: Any) -> object:
        """The function itself, as a decorated one may be wanted elsewhere."""
        return self._function(event)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Hook on {self.what}: {f'{self.hits} hits' if self.active else 'removed'}>"


class Arming:
    """What to call for, without the function yet: a decorator."""

    __slots__ = ("_arm", "_on", "_wrap", "what")

    def __init__(self, on: On, arm: Callable[[], list[int]], wrap: Callable[[Callback], Callable[..., object]],
                 what: str) -> None:
        self._on = on
        self._arm = arm
        self._wrap = wrap
        self.what = what

    def __call__(self, function: Callback) -> Hook:
        """Calls `function` with each event from now on."""
        if not callable(function):
            raise UsageError(f"on {self.what}: {function!r} cannot be called; give a function that takes the event")
        return self._on._add(self._arm(), self._wrap(function), function, self.what)

    def __repr__(self) -> str:
        return f"<on {self.what}: call it with a function>"


class On:
    """Where functions are hung up: on.insn(), on.mem_write(), on.trap() ..., and on.NAME() for each of quire.EVENTS."""

    __slots__ = ("_callbacks", "_guest")

    def __init__(self, guest: _core.Guest) -> None:
        self._guest = guest
        self._callbacks: list[Callable[..., object] | None] = []

    # --- the supervisor's events ---

    def __call__(self, event: str, /, *wrong: Any, **fields: Any) -> Arming:
        """An event by name, with these values: on("cow", pid=3). "syscall" stands for enter and exit."""
        if not isinstance(event, str):
            raise UsageError(f"on({event!r}) is not the name of an event; quire.EVENTS lists them")
        if wrong:
            raise _misplaced(event, wrong[0])
        names = ["syscall_enter", "syscall_exit"] if event == "syscall" else [event]
        conditions = [_core.Condition(name, fields_of(fields, self._guest)) for name in names]
        return Arming(self, lambda: [self._guest.hook_event(condition) for condition in conditions], _of_supervisor,
                      _call_text(event, fields))

    def __getattr__(self, name: str) -> Callable[..., Arming]:
        if name not in EVENTS and name != "syscall":
            raise AttributeError(f"nothing to hook is called '{name}'; there are {', '.join(dir(self))}")
        return lambda *wrong, **fields: self(name, *wrong, **fields)

    def __dir__(self) -> list[str]:
        return sorted([name for name in vars(On) if not name.startswith("_")] + [*EVENTS, "syscall"])

    # --- instructions and memory ---

    def insn(self, lo: int | str | None = None, hi: int | None = None, *, pid: int | Process | None = None) -> Arming:
        """Before the instruction at virtual address `lo` (a number or a symbol), or each with lo <= pc < hi.

        Without addresses: every instruction. With `pid`, only in that process' address space. The event has
        icount, pc, hart and priv.
        """
        first, last = self._range(lo, hi, pid)
        process = self._pid(pid)
        return Arming(self, lambda: [self._guest.hook_insn(first, last, process)], _plain, f"insn({_place(lo, hi)})")

    def mem_read(self, lo: int | str | None = None, hi: int | None = None, *,
                 pid: int | Process | None = None) -> Arming:
        """After an instruction that read the byte at virtual address `lo`, or some with lo <= address < hi.

        The event has icount and pc of the instruction, va, size and value of the access. Instruction fetches,
        page-table walks and devices are not seen.
        """
        return self._mem("r", lo, hi, pid)

    def mem_write(self, lo: int | str | None = None, hi: int | None = None, *,
                  pid: int | Process | None = None) -> Arming:
        """The same for writes; `value` is what was written."""
        return self._mem("w", lo, hi, pid)

    def mem_access(self, lo: int | str | None = None, hi: int | None = None, *,
                   pid: int | Process | None = None) -> Arming:
        """The same for both; an atomic is two events."""
        return self._mem("rw", lo, hi, pid)

    def _mem(self, access: str, lo: int | str | None, hi: int | None, pid: int | Process | None) -> Arming:
        first, last = self._range(lo, hi, pid)
        process = self._pid(pid)
        name = {"r": "mem_read", "w": "mem_write", "rw": "mem_access"}[access]
        return Arming(self, lambda: [self._guest.hook_access(first, last, access, process)], _plain,
                      f"{name}({_place(lo, hi)})")

    # --- the machine ---

    def trap(self, cause: int | str | None = None, *, pid: int | Process | None = None) -> Arming:
        """An exception, before the first instruction of its handler: cause (and its name), tval, pc, handler, target.

        `cause` is a number of mcause or a name ("store page fault").
        """
        return self._machine("trap", number=_number("cause", cause, _CAUSES), pid=pid, shown=cause)

    def interrupt(self, cause: int | str | None = None) -> Arming:
        """An interrupt, before the first instruction of its handler. `cause` is a number or "supervisor timer"."""
        return self._machine("interrupt", number=_number("cause", cause, _INTERRUPTS), shown=cause)

    def walk(self, lo: int | None = None, hi: int | None = None, *, pid: int | Process | None = None) -> Arming:
        """A page-table walk for an address with lo <= va < hi: access, steps, and the page or the fault."""
        return self._machine("walk", lo, hi, pid=pid)

    def tlb_fill(self, lo: int | None = None, hi: int | None = None, *, pid: int | Process | None = None) -> Arming:
        """A TLB entry was made, of a page that overlaps lo..hi."""
        return self._machine("tlb_fill", lo, hi, pid=pid)

    def tlb_evict(self, lo: int | None = None, hi: int | None = None) -> Arming:
        """A TLB entry gave way to another."""
        return self._machine("tlb_evict", lo, hi)

    def fence(self, *wrong: Any) -> Arming:
        """An sfence.vma or sinval.vma: va and asid, None for all."""
        if wrong:
            raise _misplaced("fence", wrong[0])
        return self._machine("fence")

    def mmio(self, device: str | None = None) -> Arming:
        """An access to a device's register: device, offset, size, access, value."""
        names = [name for name, _, _ in self._guest.devices()]
        if callable(device):
            raise _misplaced("mmio", device)
        if device is not None and device not in names:
            raise UsageError(f"no device is called {device!r}; there are {', '.join(dict.fromkeys(names))}")
        return self._machine("mmio", device=device or "", shown=device)

    def sbi(self, extension: int | None = None) -> Arming:
        """A call of the built-in SBI, after it: extension, function, args, error, value."""
        return self._machine("sbi", number=_number("extension", extension, {}),
                             shown=extension)

    def _machine(self, what: str, lo: int | None = None, hi: int | None = None, *, number: int | None = None,
                 pid: int | Process | None = None, device: str = "", shown: object = None) -> Arming:
        first, last = self._range(lo, hi, pid)
        process = self._pid(pid)
        text = _place(lo, hi) if lo is not None else "" if shown is None else repr(shown)
        return Arming(self, lambda: [self._guest.hook_machine(what, first, last, process, number, device)],
                      _of_machine, f"{what}({text})")

    # --- the table ---

    def _range(self, lo: int | str | None, hi: int | None, process: object = None) -> tuple[int, int]:
        """Both ends included, as the native side takes them. A symbol is first looked for in what `process` runs."""
        if callable(lo):
            raise _misplaced("insn, mem_write or the like", lo)
        if isinstance(lo, str):
            lo = self._address_of(lo, process)
        if lo is None:
            if hi is not None:
                raise UsageError("give the start of the range as well, or nothing for everything")
            return 0, _END - 1
        first = count(lo, "address")
        if hi is None:
            return first, first
        if not isinstance(hi, int) or not first < hi <= _END:
            raise UsageError(f"{_place(lo, hi)} is no range of addresses: the end comes after the start and is not in it")
        return first, hi - 1

    def _address_of(self, symbol: str, process: object) -> int:
        address = process.symbol(symbol) if isinstance(process, Process) else None
        address = self._guest.symbol(symbol) if address is None else address
        if address is None:
            where = "neither what the process runs nor the kernel" if isinstance(process, Process) else "the kernel or bare program"
            hint = "" if isinstance(process, Process) else "; a spawned program's are found with pid=process"
            raise UsageError(f"{where} has {'a' if isinstance(process, Process) else 'no'} symbol '{symbol}'{hint}")
        return address

    def _pid(self, process: int | Process | None) -> int | None:
        if isinstance(process, Process):
            return process._pid_on(self._guest)
        return None if process is None else count(process, "pid", bits=31)

    def _add(self, numbers: list[int], call: Callable[..., object], function: Callback, what: str) -> Hook:
        for number in numbers:
            while len(self._callbacks) <= number:
                self._callbacks.append(None)
            self._callbacks[number] = call
        return Hook(self, numbers, function, what)

    def _remove(self, numbers: list[int]) -> None:
        for number in numbers:
            self._guest.unhook(number)
            self._callbacks[number] = None

    def __repr__(self) -> str:
        return f"<on: {sum(call is not None for call in self._callbacks)} hooks>"


def _plain(function: Callback) -> Callable[..., object]:
    return function


def _of_supervisor(function: Callback) -> Callable[..., object]:
    return lambda name, icount, hart, args: function(event_of(name, icount, hart, args))


def _of_machine(function: Callback) -> Callable[..., object]:
    return lambda name, icount, hart, fields: function(Event(name, icount, hart, fields))


def _misplaced(what: str, given: object) -> UsageError:
    """on.cow(print) where on.cow()(print) was meant."""
    if callable(given):
        return UsageError(f"on {what}: {given!r} is a function, and these brackets are for what to look for; put it behind them: on.cow()(print)")
    return UsageError(f"on {what}: {given!r} has no name; write what a field shall be, as pid=2")


def _number(name: str, value: int | str | None, names: dict[str, int]) -> int | None:
    if value is None:
        return None
    if callable(value):
        raise _misplaced("trap, interrupt or sbi", value)
    if isinstance(value, str):
        if value not in names:
            raise UsageError(f"{name}={value!r} is not one of {', '.join(names)}")
        return names[value]
    return count(value, name)


def _place(lo: int | str | None, hi: int | None) -> str:
    def shown(value: object) -> str:
        return f"{value:#x}" if isinstance(value, int) else repr(value)

    return "" if lo is None else shown(lo) if hi is None else f"{shown(lo)}, {shown(hi)}"


def _call_text(name: str, fields: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in fields.items())})"


__all__ = ["Arming", "Hook", "On"]
