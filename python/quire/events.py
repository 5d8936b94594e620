"""Events of the supervisor: conditions to run to, and recordings to look at afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import _core, html
from .checks import shown_number
from .errors import FileError, UsageError, optional

#: Events of the supervisor, with their fields.
EVENTS: dict[str, list[str]] = _core.event_fields()
#: What a machine itself can be recorded doing, with its fields: instructions, accesses, traps, the MMU, the SBI.
MACHINE_EVENTS: dict[str, list[str]] = _core.machine_event_fields()
_FIELDS = {**EVENTS, **MACHINE_EVENTS}
FAULT_KINDS: list[str] = _core.fault_kinds()
_ACCESSES = ["r", "w", "x"]
_SIGNED = {"result", "code", "wait_status", "token", "error"}
_DECIMAL = {"pid", "child", "prev", "next", "icount", "size", "steps", "signo", "token", "result", "nr", "cause", "asid", "index", "inode",
            "free_frames", "total_frames", "sharers_before", "sharers_after", "refused", "missing"}
_DECODED = {"event", "kind", "access", "nr", "comm"}


def fields_of(filters: dict[str, Any], guest: _core.Guest | None = None) -> list[tuple[str, int]]:
    """Filters as the native side takes them: names of kinds, accesses and calls become numbers, processes their pid."""
    fields = []
    for name, value in filters.items():
        if hasattr(value, "_pid_on"):
            value = value._pid_on(value._guest if guest is None else guest)
        if isinstance(value, str):
            value = _number_of(name, value)
        elif not isinstance(value, int):
            raise UsageError(f"{name}={value!r}: a field is compared with a number or a name")
        if not -(1 << 63) <= value < 1 << 64:
            raise UsageError(f"{name}={shown_number(value)}: a field has 64 bits")
        fields.append((name, value & ((1 << 64) - 1)))
    return fields


def _number_of(field: str, text: str) -> int:
    if field == "kind" and text in FAULT_KINDS:
        return FAULT_KINDS.index(text)
    if field == "access" and text in _ACCESSES:
        return _ACCESSES.index(text)
    if field == "nr":
        for number in range(1024):
            if _core.syscall_name(number) == text:
                return number
    known = {"kind": FAULT_KINDS, "access": _ACCESSES, "nr": ["the system calls' own names, as write"]}.get(field)
    raise UsageError(f"{field}='{text}' is not a name of that field's values: " +
                     (f"there are {', '.join(known)}" if known else "they are numbers"))


def _decoded(field: str, value: int | None) -> Any:
    """A value as people read it; a number without a name stays one."""
    if value is None:
        return None
    if field == "kind" and value < len(FAULT_KINDS):
        return FAULT_KINDS[value]
    if field == "access" and value < len(_ACCESSES):
        return _ACCESSES[value]
    if field == "nr":
        return _core.syscall_name(value) or value
    if field in _SIGNED and value >> 63:
        return value - (1 << 64)
    return value


def shown(field: str, value: Any) -> str:
    """A value of a field for people: numbers that count or name something as such, the rest in hexadecimal."""
    if value is None:
        return ""
    if isinstance(value, str):
        return html.name_text(value)
    return f"{value:#x}" if isinstance(value, int) and field not in _DECIMAL else str(value)


def _comm(word0: int, word1: int) -> str:
    return (word0.to_bytes(8, "little") + word1.to_bytes(8, "little")).rstrip(b"\0").decode(errors="replace")


class Condition:
    """Something to run up to: run(until=condition). `a | b` is whichever comes first."""

    __slots__ = ("_guest", "_now", "_terms")

    def __init__(self, terms: list[_core.Condition], now: Callable[[], bool] = lambda: False, guest: _core.Guest | None = None) -> None:
        self._terms = terms
        self._now = now
        self._guest = guest  # whose processes it names; None: any machine's

    def __bool__(self) -> bool:
        """Whether it holds already, where that can be known."""
        return self._now()

    def __or__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        if None not in (self._guest, other._guest) and self._guest is not other._guest:
            raise UsageError("conditions on processes of two machines cannot be one: each machine runs by itself")
        return Condition(self._terms + other._terms, lambda: bool(self) or bool(other), self._guest or other._guest)

    def __repr__(self) -> str:
        return f"<Condition {' | '.join(term.describe() for term in self._terms)}>"


def happens(event: str, **fields: Any) -> Condition:
    """The next event of that name whose fields have these values: happens("cow", pid=3).

    >>> quire.happens("cow", pid=3) | quire.happens("exit")
    <Condition ... | ...>
    >>> quire.happens("lunch")
    Traceback (most recent call last):
      ...
    quire.errors.UsageError: ...
    """
    if event not in EVENTS:
        hint = "; those of the machine can be recorded and hooked, not run to" if event in MACHINE_EVENTS else ""
        raise UsageError(f"no event of the supervisor is called {event!r}{hint}; there are {', '.join(EVENTS)}")
    owners = [value._guest for value in fields.values() if hasattr(value, "_pid_on")]
    return Condition([_core.Condition(event, fields_of(fields))], guest=owners[0] if owners else None)


class Event:
    """One event; its fields are attributes."""

    __slots__ = ("event", "icount", "hart", "fields")

    def __init__(self, event: str, icount: int, hart: int, fields: dict[str, Any]) -> None:
        self.event = event
        self.icount = icount
        self.hart = hart
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        if name in Event.__slots__:  # while a copy of it is being made
            raise AttributeError(name)
        try:
            return self.fields[name]
        except KeyError:
            if name == "kind":  # as the column has it
                return self.event
            raise AttributeError(f"event '{self.event}' has no field '{name}'") from None

    def _repr_html_(self) -> str:
        return html.facts(((name, shown(name, value)) for name, value in self.fields.items()), f"{self.event} at {self.icount:,}")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={shown(name, value)}" for name, value in self.fields.items())
        return f"<{self.event} at {self.icount}: {fields}>"


def event_of(name: str, icount: int, hart: int, args: tuple[int, ...]) -> Event:
    """An event of the supervisor from its words, in the order of EVENTS[name]."""
    raw = dict(zip(_FIELDS[name], args, strict=True))
    fields = {field: _decoded(field, value) for field, value in raw.items() if not field.startswith("comm")}
    if "comm0" in raw:
        fields["comm"] = _comm(raw["comm0"], raw["comm1"])
    return Event(name, icount, hart, fields)


class Recording:
    """Events kept in native columns while the machine runs; also a selection of them, by filter().

    Columns are those of all recorded events together, with None where an event lacks one; but `kind`, where page faults are
    among them, says of a page fault how it was answered and of the others their name: "cow", "fork".
    """

    __slots__ = ("_guest", "_recorder", "_rows")

    def __init__(self, guest: _core.Guest, recorder: _core.Recorder, rows: list[int] | None = None) -> None:
        self._guest = guest
        self._recorder = recorder
        self._rows = rows

    def _indices(self) -> Sequence[int]:
        self._guest.check_not_running()
        return range(len(self._recorder)) if self._rows is None else self._rows

    def __len__(self) -> int:
        return len(self._recorder) if self._rows is None else len(self._rows)

    def _event(self, at: int) -> Event:
        return event_of(*self._recorder.row(at))

    def __getitem__(self, key: int | str) -> Any:
        """recording[i] is an event, recording["va"] a column."""
        if isinstance(key, str):
            return self._column(key, self._indices())
        rows = self._indices()
        return self._event(rows[key])

    def __iter__(self) -> Iterator[Event]:
        return map(self._event, self._indices())

    @property
    def events(self) -> list[str]:
        """Names of the events that are recorded."""
        return self._recorder.events

    @property
    def dropped(self) -> int:
        """Events beyond what a recording may hold."""
        return self._recorder.dropped

    @property
    def columns(self) -> list[str]:
        """Names for recording["name"]: of all the fields that its events have."""
        names: dict[str, None] = {"event": None, "icount": None}
        for event in self.events:
            names.update(dict.fromkeys("comm" if field == "comm0" else field for field in _FIELDS[event]
                                       if field != "comm1"))
        return list(names)

    def _column(self, name: str, rows: Sequence[int]) -> list[Any]:
        if name == "event":
            return [self._recorder.row(at)[0] for at in rows]
        if name == "comm":
            words = zip(self._recorder.values("comm0", list(rows)), self._recorder.values("comm1", list(rows)), strict=True)
            return [None if a is None or b is None else _comm(a, b) for a, b in words]
        if name not in self.columns:
            raise UsageError(f"no column is called '{name}'; there are {', '.join(self.columns)}")
        if name == "kind":
            kinds = zip(self._recorder.values("kind", list(rows)), rows, strict=True)
            return [self._recorder.row(at)[0] if kind is None else _decoded("kind", kind) for kind, at in kinds]
        return [_decoded(name, value) for value in self._recorder.values(name, list(rows))]

    def column(self, event: str, field: str) -> memoryview:
        """One field of one kind of event, as recorded: 64-bit numbers, in place and read-only (NumPy takes it as it is).

        It holds what was recorded up to now, and stays good when more comes and when the machine is closed.
        """
        self._guest.check_not_running()
        return self._recorder.column(event, field)

    def filter(self, *events: str, **fields: Any) -> Recording:
        """Those of the named events whose fields have these values: filter("page_fault", kind="cow_copy").

        An event that lacks a field is left out.
        """
        for name in events:
            if name not in _FIELDS:
                raise UsageError(f"no event is called '{name}'")
        self._guest.check_not_running()
        kind = fields.get("kind")
        if isinstance(kind, str) and kind in _FIELDS and kind not in FAULT_KINDS:  # as the column has it
            events = (kind,) if not events or kind in events else ()
            fields = {name: value for name, value in fields.items() if name != "kind"}
            if not events:
                return Recording(self._guest, self._recorder, [])
        chosen = self._recorder.select(list(events), fields_of(fields, self._guest))
        if self._rows is not None:
            mine = set(self._rows)
            chosen = [row for row in chosen if row in mine]
        return Recording(self._guest, self._recorder, chosen)

    def count(self, field: str) -> dict[Any, int]:
        """How often each value of a column occurs."""
        counts: dict[Any, int] = {}
        for value in self[field]:
            counts[value] = counts.get(value, 0) + 1
        return counts

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns by name."""
        rows = self._indices()
        return {name: self._column(name, rows) for name in self.columns}

    def to_numpy(self, event: str | None = None) -> dict[str, Any]:
        """Columns of one kind of event as NumPy arrays of 64-bit numbers, without a Python object an event.

        `event` may be left out where only one kind is recorded; of a selection, use to_dict().
        """
        numpy = optional("numpy", "to_numpy()")
        name = self._whole(event, "to_numpy()")
        return {field: numpy.asarray(column) for field, column in self.columns_of(name).items()}

    def _whole(self, event: str | None, what: str) -> str:
        """The kind of event of which whole columns are asked for."""
        if self._rows is not None:
            raise UsageError(f"{what} gives whole columns; of a selection, take to_dict()")
        if event is None and len(self.events) != 1:
            raise UsageError(f"{what} takes one kind of event: {', '.join(self.events)}")
        if event is not None and event not in self.events:
            raise UsageError(f"no event '{event}' is recorded here; there are {', '.join(self.events)}")
        return self.events[0] if event is None else event

    def columns_of(self, event: str | None = None) -> dict[str, memoryview]:
        """All columns of one kind of event, in place: 64-bit numbers as recorded, without names for them."""
        name = self._whole(event, "columns_of()")
        return {field: self.column(name, field) for field in ["icount", *_FIELDS[name]]}

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Arrow's C data interface, for a recording of one kind of event: pyarrow.record_batch(recording) copies nothing."""
        from .arrow import struct_array  # noqa: PLC0415  (only who asks for it pays)

        return struct_array(self.columns_of())

    def write_parquet(self, path: str | os.PathLike[str], event: str | None = None) -> None:
        """Columns of one kind of event as a Parquet file; MissingPackage where pyarrow is not installed."""
        pyarrow, parquet = optional("pyarrow", "write_parquet()"), optional("pyarrow.parquet", "write_parquet()")
        columns = self.columns_of(event)
        arrays = [pyarrow.Array.from_buffers(pyarrow.uint64(), len(column), [None, pyarrow.py_buffer(column)]) for column in columns.values()]
        try:
            parquet.write_table(pyarrow.table(arrays, names=list(columns)), os.fspath(path))
        except OSError as error:
            raise FileError(f"{os.fspath(path)}: {error}; check the path") from None

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """All of it, or of a selection, as CSV: the columns of to_dict(), a line an event, empty where it lacks one."""
        from .trace_file import write_csv  # noqa: PLC0415  (only who asks for it pays)

        columns = self.to_dict()
        write_csv(path, list(columns), zip(*columns.values(), strict=True))

    def write_trace(self, path: str | os.PathLike[str]) -> None:
        """A trace that ui.perfetto.dev opens: processes with their calls as slices, the rest as instants.

        A Perfetto trace where the name ends in .pftrace or .perfetto-trace, else a Chrome trace (JSON).
        """
        from .trace_file import write_trace  # noqa: PLC0415

        write_trace(self, Path(path), {"events": ", ".join(self.events), "dropped": str(self.dropped)})

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; MissingPackage (an ImportError) where pandas is not installed."""
        pandas = optional("pandas", "to_pandas()")
        if self._rows is None and len(self.events) == 1 and not _DECODED & set(_FIELDS[self.events[0]]):
            fields = [name for name in self.columns if name != "event"]
            if not _SIGNED & set(fields) and "comm" not in fields:
                arrays = self.to_numpy()
                return pandas.DataFrame({"event": self.events[0], **{name: arrays[name] for name in fields}})
        return pandas.DataFrame(self.to_dict())

    def stop(self) -> None:
        """Records no more; what was recorded stays."""
        self._guest.stop_recording(self._recorder)

    def clear(self) -> None:
        """Forgets what was recorded, and goes on recording. Selections of it become invalid."""
        if self._rows is not None:
            raise UsageError("a selection cannot be cleared; clear the recording")
        self._recorder.clear()

    def _repr_html_(self) -> str:
        if self._guest.running:
            return "<p>a recording, under way</p>"
        rows = self._indices()[:html.SHOWN_ROWS]
        cells = [self._column(name, rows) for name in self.columns]
        lines = [[value if name == "icount" else shown(name, value) for name, value in zip(self.columns, row, strict=True)]
                 for row in zip(*cells, strict=True)]
        return html.table(self.columns, lines, f"{len(self):,} events" + (f", {self.dropped:,} dropped" if self.dropped else ""), len(self))

    def __repr__(self) -> str:
        return "<Recording, under way>" if self._guest.running else f"<Recording of {', '.join(self.events)}: {len(self)} events>"


def all_of(conditions: Condition | Iterable[Condition] | None) -> list[Condition]:
    if conditions is None:
        return []
    if isinstance(conditions, Condition):
        return [conditions]
    given: list[Any] = list(conditions) if isinstance(conditions, Iterable) and not isinstance(conditions, str) else [conditions]
    for one in given:
        if not isinstance(one, Condition):
            raise UsageError(f"until={one!r} is no condition; quire.happens('fork') and process.exited are")
    return given


def terms_of(conditions: Condition | Iterable[Condition] | None, guest: _core.Guest) -> list[_core.Condition]:
    """Conditions as the native side takes them, for that machine."""
    given = all_of(conditions)
    for condition in given:
        if condition._guest is not None and condition._guest is not guest:
            raise UsageError(f"until={condition!r} is about a process of another machine, which does not run here")
    return [term for condition in given for term in condition._terms]


__all__ = ["EVENTS", "FAULT_KINDS", "MACHINE_EVENTS", "Condition", "Event", "Recording", "happens"]
