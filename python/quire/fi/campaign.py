"""A campaign: a plan of injections, run in any number of pieces, kept in one SQLite file as the results come.

The file holds everything but the machine's start, which lies beside it as a snapshot (its name and .qs). So a campaign can be
killed at any moment and goes on where it was, here or in other processes.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..checks import count, seconds
from ..errors import FileError, UsageError
from ..machine import Machine
from ..process import Process
from ..snapshot import StrPath
from ..trace_file import write_csv
from . import places
from .check import check_command
from .models import Fault
from .outcomes import Ending, OutcomeTable, classify
from .prune import Chosen, chosen_as_they_are, prune
from .session import Case, Limits, Session, Workload, config_elsewhere, machine_for
from .space import Space
from .statistics import sample_size
from .store import Row, Store

_CHUNK = 16
_BATCH = 512
_PILOTS = 40
_PILOT_SECONDS = 1.0
_MIN_FOR_A_STOP = 100


@dataclass(frozen=True, slots=True)
class Injection:
    """A row: `fault` before the run's instruction `insns`, and what came of it (None: not run yet)."""

    id: int
    insns: int
    fault: Fault
    outcome: str | None
    returncode: int | None
    run_insns: int | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class _Task:
    """What a worker needs; small, so that it travels."""

    snapshot: str
    meta: str
    rows: tuple[Row, ...]


class Campaign:
    """Made by plan() or open()."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path)

    # --- making ---

    @classmethod
    def plan(cls, path: StrPath, machine: Machine, process: Process | None, space: Space, *, margin: float | None = None,
             confidence: float = 0.95, samples: int | None = None, seed: int = 0, detected: Sequence[int] = (),
             neighbours: Sequence[Process] = (), check: str | None = None, pruned: bool = True,
             max_insns: int = 10_000_000_000, timeout: float | None = None) -> Campaign:
        """Plans injections into `process`, from the machine as it is now to the end of the process; or, with None, into a
        machine of its own program or kernel, up to its end.

        With `margin`, as many as tell every outcome's share to within it at that confidence; with `samples`, so many;
        with neither, the whole space. `detected`: exit statuses by which the program says that it has noticed.
        `neighbours`: processes whose ends are waited for as well, to see whether they come to harm. `check`: a command
        that judges the drives at the end, and after a power cut (quire.fi.check). `pruned`: what the fault-free run does
        with a register or byte next spares runs, and changes no outcome. The fault-free run must end within `max_insns`
        instructions and `timeout` seconds. The machine is left at its start. A file that is there already is not
        overwritten.
        """
        where = Path(path)
        for taken in (where, _snapshot_of(where)):
            if taken.exists():
                raise FileError(f"{taken}: exists already; 'quire fi run' and Campaign.open() go on with a campaign; or remove it")
        if not isinstance(space, Space):
            raise UsageError(f"plan() takes a Space, as fi.Space('x10 flip 3', fi.every_insn()), not {type(space).__name__}")
        if margin is not None and samples is not None:
            raise UsageError("give margin or samples, not both")
        if not 0 < confidence < 1:
            raise UsageError(f"confidence={confidence!r} is not between 0 and 1")
        limits = Limits(count(max_insns, "max_insns"), seconds(timeout))
        workload = _workload(machine, process, neighbours, check)
        start = machine.snapshot()
        try:
            _check_faults(machine, process, space, workload)
            machine.restore(start)
            if any(fault.ends_run for fault in space.faults):
                machine._guest.track_unflushed_writes()
            session = Session(machine, workload, limits=limits)
            if session.golden.verdict not in ("", "masked"):
                raise UsageError(f"without any fault the check says '{session.golden.verdict}': {session.golden.detail}")
            rows, population = _sample(session, space, margin, confidence, samples, seed)
            session.restart()
            chosen = prune(session, rows) if pruned else chosen_as_they_are(rows)
            meta = {**workload.to_dict(), "length": session.length, "population": population, "seed": seed,
                    "confidence": confidence, "detected": list(detected), "config": config_elsewhere(machine.config),
                    "golden": session.golden.to_dict(), "seconds_each": _pilot(session, chosen)}
            session.restart()
            machine.snapshot().save(_snapshot_of(where))
            Store.create(where, meta, chosen)
        finally:
            machine.restore(start)
        return cls(where)

    @classmethod
    def open(cls, path: StrPath) -> Campaign:
        """One that plan() has made, finished or not."""
        where = Path(path)
        if not where.exists():
            raise FileError(f"{where}: no such campaign; 'quire fi plan' and Campaign.plan() make one")
        return cls(where)

    # --- running ---

    def run(self, *, executor: Executor | None = None, workers: int | None = None, limit: int | None = None,
            until_margin: float | None = None, progress: bool | None = None) -> OutcomeTable:
        """Runs what is left, or `limit` of it, and keeps each result as it comes.

        With `until_margin`, only as many as tell every outcome's share to within it (sequential stopping, looked at
        between batches of injections drawn by chance). Here, or with `executor` (any of concurrent.futures', Dask's or
        MPI's) in `workers` processes that see the campaign's files. Interrupted, it loses at most what was under way.
        """
        if limit is not None and limit < 0:
            raise UsageError(f"limit={limit} is not a number of injections")
        if until_margin is not None and not 0 < until_margin < 1:
            raise UsageError(f"until_margin={until_margin!r} is not between 0 and 1")
        shown = sys.stderr.isatty() if progress is None else progress
        if shown:
            print(self.describe(1 if executor is None else workers or os.cpu_count() or 1), file=sys.stderr)
        left = limit if limit is not None else len(self)
        try:
            while left > 0 and not self._is_sure(until_margin):
                batch, plays = self._store.next_batch(min(left, _BATCH))
                if not batch:
                    break
                for results in self._results(plays, executor, workers or os.cpu_count() or 1):
                    self._store.keep(results)
                self._store.take(batch)
                left -= len(batch)
                if shown:
                    print(f"\r{self.table().done} of {len(self)} injections", end="", file=sys.stderr, flush=True)
        finally:
            _end_sessions()
            if shown:
                print(file=sys.stderr)
        table = self.table()
        table.until_margin = until_margin
        return table

    def _is_sure(self, margin: float | None) -> bool:
        if margin is None:
            return False
        table = self.table()
        return table.done >= min(_MIN_FOR_A_STOP, len(self)) and table.margin <= margin

    def _results(self, plays: list[Row], executor: Executor | None, workers: int) -> Iterator[list[tuple[Any, ...]]]:
        snapshot, meta = str(_snapshot_of(self.path).resolve()), self._meta_text()
        tasks = [_Task(snapshot, meta, tuple(plays[i:i + _CHUNK])) for i in range(0, len(plays), _CHUNK)]
        if executor is None:
            yield from map(_work, tasks)
            return
        # A few ahead, so that an interrupt has little to wait for.
        waiting = iter(tasks)
        running = {executor.submit(_work, task) for task in islice(waiting, 2 * workers)}
        try:
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    if (task := next(waiting, None)) is not None:
                        running.add(executor.submit(_work, task))
                    yield future.result()
        finally:
            for future in running:
                future.cancel()

    # --- looking ---

    @property
    def golden(self) -> Ending:
        """The run without a fault."""
        return Ending.from_dict(self._store.get("golden"))

    @property
    def population(self) -> int:
        """Size of the fault space."""
        return int(self._store.get("population"))

    @property
    def length(self) -> int:
        """Instructions of the fault-free run."""
        return int(self._store.get("length"))

    @property
    def confidence(self) -> float:
        """That the intervals of its table are for."""
        return float(self._store.get("confidence"))

    @property
    def config(self) -> dict[str, Any]:
        """Of the machine; with seed and version, all that a result depends on beside the snapshot."""
        return dict(self._store.get("config"))

    @property
    def runs(self) -> int:
        """How many runs the plan needs: fewer than injections, where one answers for several or none is needed."""
        return int(self._store.get("runs"))

    def seconds(self, workers: int = 1) -> float:
        """About how long what is left takes, measured while planning."""
        return self._store.plays_left() * float(self._store.get("seconds_each")) / max(1, workers)

    def describe(self, workers: int = 1) -> str:
        """What will be run, and about how long it takes."""
        left = self._store.plays_left()
        return (f"{len(self)} injections of {self.population} possible, {self.length} instructions each; {self.runs} runs, {left} left: "
                f"about {_duration(self.seconds(workers))} in {workers} process{'es' if workers != 1 else ''}")

    def __len__(self) -> int:
        return self._store.size()

    def injection(self, number: int) -> Injection:
        """Injection 1 to len(campaign); its outcome is None until it has been run."""
        row = self._store.row(number)
        if row is None:
            raise UsageError(f"{self.path} has no injection {number}: they are 1 to {len(self)}")
        return _injection(row)

    def __iter__(self) -> Iterator[Injection]:
        return map(_injection, self._store.rows())

    def table(self) -> OutcomeTable:
        """Outcomes of what has been run, with the intervals of the campaign's confidence."""
        return OutcomeTable(self._store.counts(), len(self), self.confidence, self.population)

    def export(self, path: StrPath) -> None:
        """All rows, as CSV or Parquet (which needs pyarrow): by the end of the name, .csv or .parquet."""
        check_export(path)
        if Path(path).suffix == ".parquet":
            self._export_parquet(Path(path))
            return
        write_csv(path, _COLUMNS, self._store.rows())

    def _export_parquet(self, path: Path) -> None:
        try:
            pyarrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise UsageError("Parquet is written by pyarrow, which is not installed: 'pip install pyarrow', or export to .csv") from None
        columns = list(zip(*self._store.rows(), strict=True)) or [()] * len(_COLUMNS)
        kinds = ["int64", "int64", "string", "string", "int64", "int64", "string"]
        table = pyarrow.table({name: pyarrow.array(column, getattr(pyarrow, kind)())
                               for name, column, kind in zip(_COLUMNS, columns, kinds, strict=True)})
        parquet.write_table(table, path)

    def report(self, path: StrPath) -> None:
        """A page of HTML that needs nothing else: the table, the fault space as a picture, the rows worth a look."""
        from .report import write_report  # noqa: PLC0415  (only who asks for it pays)

        write_report(self, Path(path))

    def replay(self, number: int) -> Case:
        """The machine just before that injection, live. Use it as a context manager, or close its machine."""
        injection = self.injection(number)
        session = _session(str(_snapshot_of(self.path)), self._meta_text())
        session.go_to(injection.insns)
        return Case(session.machine, session.process, injection.fault)

    def play_again(self, number: int) -> str:
        """Runs one injection anew, from its own moment and not from what stands for it: the outcome."""
        injection = self.injection(number)
        session = _session(str(_snapshot_of(self.path)), self._meta_text())
        try:
            outcome = _outcome(session, injection.insns, injection.fault, tuple(self._store.get("detected")))
            return str(outcome[0])
        finally:
            session.machine.close()

    def close(self) -> None:
        """Closes its file. What has been run is in it already."""
        self._store.close()

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Campaign {self.path}: {self.table().done} of {len(self)} injections run, of {self.population} possible>"

    def _meta_text(self) -> str:
        keys = ("pid", "neighbours", "check", "length", "config", "detected", "golden")
        return json.dumps({key: self._store.get(key) for key in keys}, sort_keys=True)


def check_export(path: StrPath) -> None:
    """UsageError for a name that says no format."""
    if Path(path).suffix not in (".csv", ".parquet"):
        raise UsageError(f"{os.fspath(path)}: rows are exported as .csv or .parquet; end the name so")


_COLUMNS = ("id", "insns", "fault", "outcome", "returncode", "run_insns", "detail")


def _snapshot_of(path: Path) -> Path:
    return path.with_name(path.name + ".qs")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 300 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _injection(row: tuple[Any, ...]) -> Injection:
    return Injection(row[0], row[1], Fault.parse(row[2]), *row[3:])


# --- planning ---


def _workload(machine: Machine, process: Process | None, neighbours: Sequence[Process], check: str | None) -> Workload:
    if machine.config["mode"] == "supervisor":
        if not isinstance(process, Process):
            raise UsageError(f"on the supervisor, plan() takes a Process of the machine (spawn() gives one), not {type(process).__name__}")
        if process.returncode is not None:
            raise UsageError(f"process {process.pid} has ended already: there is nothing to inject into")
    elif process is not None or neighbours:
        raise UsageError("a machine without the supervisor has no processes that could be told apart: give None, for all of it")
    if check is not None and not machine.drives:
        raise UsageError("check= judges drives, and the machine has none")
    return Workload(None if process is None else process.pid, tuple(other.pid for other in neighbours),
                    check_command(check) if check else "")


def _check_faults(machine: Machine, process: Process | None, space: Space, workload: Workload) -> None:
    """UsageError for what this machine cannot suffer. Tries what waits; the caller restores the machine."""
    tried = set()
    for fault in space.faults:
        kind, _ = places.split(fault.place)
        if kind == "ram":
            first, size = machine.phys.base, machine.phys.size
            if not first <= places.address_of(fault.place) < first + size:
                raise UsageError(f"{fault.place} is not RAM: that is {size:#x} bytes at {first:#x}")
        if fault.ends_run and not workload.check:
            raise UsageError("'power cut' leaves nothing but disks: give check=, a command that judges them")
        if kind in ("irq", "blk", "mmio", "alloc", "heap", "io") and (fault.place, fault.action) not in tried:
            tried.add((fault.place, fault.action))
            try:
                fault.apply(machine, process)
            except places.NotThere as error:
                raise UsageError(f"'{fault}': {error}") from None
            except UsageError as error:
                raise UsageError(f"'{fault}' is impossible on this machine: {error}") from None


def _sample(session: Session, space: Space, margin: float | None, confidence: float, samples: int | None,
            seed: int) -> tuple[list[tuple[int, Fault]], int]:
    session.restart()
    moments = space.moments(session)
    faults = len(space.faults)
    total = len(moments) * faults
    wanted = sample_size(total, margin, confidence) if margin is not None else total if samples is None else samples
    if not 0 < wanted <= total:
        raise UsageError(f"samples={wanted} is not between 1 and {total}, the size of the fault space")
    numbers = range(total) if wanted == total else sorted(random.Random(seed).sample(range(total), wanted))
    return [(moments[n // faults], space.faults[n % faults]) for n in numbers], total


def _pilot(session: Session, chosen: list[Chosen]) -> float:
    """Seconds that a run takes, on average of a few."""
    needed = [one for one in chosen if one.outcome is None]
    if not needed:
        return 0.0
    begin = time.perf_counter()
    done = 0
    for one in random.Random(len(needed)).sample(needed, min(_PILOTS, len(needed))):
        session.play(one.run_insns, one.run_fault)
        done += 1
        if time.perf_counter() - begin > _PILOT_SECONDS:
            break
    return (time.perf_counter() - begin) / done


# --- in the workers ---

class _Sessions(threading.local):
    """At most one: what a worker has made for the campaign that it works on. A machine is of one thread: executors have
    many in a process (Dask's workers, a ThreadPoolExecutor)."""

    def __init__(self) -> None:
        self.by_campaign: dict[tuple[str, str], Session] = {}


_sessions = _Sessions()


def _end_sessions() -> None:
    for session in _sessions.by_campaign.values():
        session.machine.close()
    _sessions.by_campaign.clear()


def _session(snapshot: str, meta_text: str) -> Session:
    meta = json.loads(meta_text)
    machine = machine_for(meta["config"], snapshot)
    try:
        session = Session(machine, Workload.from_dict(meta), meta["length"])
        if session.golden != Ending.from_dict(meta["golden"]):
            raise FileError(f"{snapshot}: the run without a fault ends otherwise than when the campaign was planned; "
                            "go on with the version of Quire that planned it")
    except BaseException:
        machine.close()
        raise
    return session


def _outcome(session: Session, insns: int, fault: Fault, detected: tuple[int, ...]) -> tuple[Any, ...]:
    """(outcome, returncode, instructions run, detail)"""
    ending = session.play(insns, fault)
    if ending is None:
        return "not_activated", None, None, None
    return classify(ending, session.golden, detected), ending.returncode, ending.insns, ending.detail or None


def _work(task: _Task) -> list[tuple[Any, ...]]:
    """(outcome, returncode, instructions run, detail, id) of each row."""
    key = (task.snapshot, task.meta)
    if key not in _sessions.by_campaign:
        _end_sessions()
        _sessions.by_campaign[key] = _session(*key)
    session = _sessions.by_campaign[key]
    detected = tuple(json.loads(task.meta)["detected"])
    return [(*_outcome(session, insns, Fault.parse(fault), detected), number) for number, insns, fault in task.rows]


__all__ = ["Campaign", "Injection", "check_export"]
