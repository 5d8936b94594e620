"""A campaign: a plan of injections, run in any number of pieces, kept in one SQLite file as the results come.

The file holds everything but the machine's start, which lies beside it as a snapshot (its name and .qs). So a campaign can be
killed at any moment and goes on where it was, here or in other processes.
"""

from __future__ import annotations

import csv
import json
import os
import random
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import FileError, UsageError
from ..machine import Machine
from ..process import Process
from ..snapshot import StrPath
from .models import Fault
from .outcomes import Ending, OutcomeTable, classify
from .session import Case, Session, machine_for
from .space import Space
from .statistics import sample_size

_FORMAT = 1
_CHUNK = 16
_BATCH = 512
_SCHEMA = """
create table meta (key text primary key, value text not null);
create table injections (
  id integer primary key, insns integer not null, fault text not null,
  outcome text, returncode integer, run_insns integer, detail text);
"""



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
    rows: tuple[tuple[int, int, str], ...]


class Campaign:
    """Made by plan() or open()."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path)
        try:
            self._meta = dict(self._db.execute("select key, value from meta"))
        except sqlite3.DatabaseError as error:
            raise FileError(f"{path}: not a campaign's file ({error}); Campaign.plan() makes one") from None
        if self._meta.get("format") != str(_FORMAT):
            raise FileError(f"{path}: a campaign in format {self._meta.get('format')}, this version reads {_FORMAT}")

    # --- making ---

    @classmethod
    def plan(cls, path: StrPath, machine: Machine, process: Process, space: Space, *, margin: float | None = None,
             confidence: float = 0.95, samples: int | None = None, seed: int = 0,
             detected: Sequence[int] = ()) -> Campaign:
        """Plans injections into `process`, from the machine as it is now to the end of the process.

        With `margin`, as many as tell every outcome's share to within it at that confidence; with `samples`, so many;
        with neither, the whole space. `detected`: exit statuses by which the program says that it has noticed. The
        machine is left at its start. A file that is there already is not overwritten.
        """
        where = Path(path)
        for taken in (where, _snapshot_of(where)):
            if taken.exists():
                raise FileError(f"{taken}: exists already; Campaign.open() goes on with a campaign, or remove it")
        if machine.config.get("mode") != "supervisor":
            raise UsageError("campaigns need a machine with the supervisor, whose processes can be told apart")
        if not isinstance(process, Process):
            raise UsageError(f"plan() takes a Process of the machine, not {type(process).__name__}")
        _check_places(machine, space)
        start = machine.snapshot()
        try:
            return cls._plan(where, machine, process, space, margin, confidence, samples, seed, detected)
        finally:
            machine.restore(start)

    @classmethod
    def _plan(cls, where: Path, machine: Machine, process: Process, space: Space, margin: float | None, confidence: float,
              samples: int | None, seed: int, detected: Sequence[int]) -> Campaign:
        session = Session(machine, process)
        moments = session.moments(space.moments)
        total = len(moments) * len(space.faults)
        if margin is not None and samples is not None:
            raise UsageError("give margin or samples, not both")
        wanted = sample_size(total, margin, confidence) if margin is not None else total if samples is None else samples
        if not 0 < wanted <= total:
            raise UsageError(f"samples={wanted} is not between 1 and {total}, the size of the fault space")
        chosen = range(total) if wanted == total else sorted(random.Random(seed).sample(range(total), wanted))
        machine.snapshot().save(_snapshot_of(where))
        meta = {"format": _FORMAT, "pid": process.pid, "length": session.length, "population": total, "seed": seed,
                "confidence": confidence, "detected": list(detected), "config": machine.config,
                "golden": session.golden.to_dict()}
        database = sqlite3.connect(where)
        with database:
            database.executescript(_SCHEMA)
            database.executemany("insert into meta values (?, ?)",
                                 [(key, value if key == "format" else json.dumps(value)) for key, value in meta.items()])
            faults = len(space.faults)
            database.executemany("insert into injections (insns, fault) values (?, ?)",
                                 ((moments[n // faults], str(space.faults[n % faults])) for n in chosen))
        database.close()
        return cls(where)

    @classmethod
    def open(cls, path: StrPath) -> Campaign:
        """One that plan() has made, finished or not."""
        where = Path(path)
        if not where.exists():
            raise FileError(f"{where}: no such campaign; Campaign.plan() makes one")
        return cls(where)

    # --- running ---

    def run(self, *, executor: Executor | None = None, workers: int | None = None, limit: int | None = None,
            progress: bool | None = None) -> OutcomeTable:
        """Runs what is left, or `limit` of it, and keeps each result as it comes.

        Here, or with `executor` (any of concurrent.futures', Dask's or MPI's) in `workers` processes that see the
        campaign's files. Interrupted, it loses at most what was under way.
        """
        rows = self._next(limit)
        tasks = [_Task(str(_snapshot_of(self.path).resolve()), self._meta_text(), tuple(rows[i:i + _CHUNK]))
                 for i in range(0, len(rows), _CHUNK)]
        shown = sys.stderr.isatty() if progress is None else progress
        done = 0
        for results in self._results(tasks, executor, workers or os.cpu_count() or 1):
            with self._db:
                self._db.executemany(
                    "update injections set outcome = ?, returncode = ?, run_insns = ?, detail = ? where id = ?", results)
            done += len(results)
            if shown:
                print(f"\r{done} of {len(rows)} injections", end="" if done < len(rows) else "\n", file=sys.stderr, flush=True)
        return self.table()

    def _next(self, limit: int | None) -> list[tuple[int, int, str]]:
        """What is left, in batches drawn by chance, so that the part that has been run is a sample of the whole; within
        a batch in the order of the run."""
        rows = list(self._db.execute("select id, insns, fault from injections where outcome is null order by id"))
        random.Random(len(self)).shuffle(rows)
        rows = rows[:limit]
        return [row for i in range(0, len(rows), _BATCH) for row in sorted(rows[i:i + _BATCH], key=lambda row: row[1:2] + row[:1])]

    @staticmethod
    def _results(tasks: list[_Task], executor: Executor | None, workers: int) -> Iterator[list[tuple[Any, ...]]]:
        if executor is None:
            try:
                yield from map(_work, tasks)
            finally:
                _end_sessions()
            return
        # A few ahead, so that an interrupt has little to wait for.
        waiting = iter(tasks)
        running = {executor.submit(_work, task) for task in islice(waiting, 2 * workers)}
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                if (task := next(waiting, None)) is not None:
                    running.add(executor.submit(_work, task))
                yield future.result()

    # --- looking ---

    @property
    def golden(self) -> Ending:
        """The run without a fault."""
        return Ending.from_dict(self._get("golden"))

    @property
    def population(self) -> int:
        """Size of the fault space."""
        return int(self._get("population"))

    def __len__(self) -> int:
        return int(self._db.execute("select count(*) from injections").fetchone()[0])

    def injection(self, number: int) -> Injection:
        row = self._db.execute("select * from injections where id = ?", (number,)).fetchone()
        if row is None:
            raise UsageError(f"{self.path} has no injection {number}: they are 1 to {len(self)}")
        return _injection(row)

    def __iter__(self) -> Iterator[Injection]:
        return map(_injection, self._db.execute("select * from injections order by id"))

    def table(self) -> OutcomeTable:
        """Outcomes of what has been run, with the intervals of the campaign's confidence."""
        counts = dict(self._db.execute("select outcome, count(*) from injections where outcome is not null group by outcome"))
        return OutcomeTable(counts, len(self), float(self._get("confidence")))

    def export(self, path: StrPath) -> None:
        """All rows as CSV."""
        with Path(path).open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["id", "insns", "fault", "outcome", "returncode", "run_insns", "detail"])
            out.writerows(self._db.execute("select * from injections order by id"))

    def replay(self, number: int) -> Case:
        """The machine just before that injection, live. Use it as a context manager, or close its machine."""
        injection = self.injection(number)
        session = _session(str(_snapshot_of(self.path)), self._meta_text())
        session.go_to(injection.insns)
        return Case(session.machine, session.process, injection.fault)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Campaign {self.path}: {self.table().done} of {len(self)} injections run, of {self.population} possible>"

    def _get(self, key: str) -> Any:
        return json.loads(self._meta[key])

    def _meta_text(self) -> str:
        return json.dumps({key: self._get(key) for key in ("pid", "length", "config", "detected", "golden")}, sort_keys=True)


def _snapshot_of(path: Path) -> Path:
    return path.with_name(path.name + ".qs")


def _check_places(machine: Machine, space: Space) -> None:
    """UsageError for RAM that the machine has not."""
    first, size = machine.phys.base, machine.phys.size
    for fault in space.faults:
        kind, _, where = fault.place.partition(":")
        if kind == "ram" and not first <= int(where, 0) < first + size:
            raise UsageError(f"{fault.place} is not RAM: that is {size:#x} bytes at {first:#x}")


def _injection(row: tuple[Any, ...]) -> Injection:
    return Injection(row[0], row[1], Fault.parse(row[2]), *row[3:])


# --- in the workers ---

#: At most one: what a worker has made for the campaign that it works on.
_sessions: dict[tuple[str, str], Session] = {}


def _end_sessions() -> None:
    for session in _sessions.values():
        session.machine.close()
    _sessions.clear()


def _session(snapshot: str, meta_text: str) -> Session:
    meta = json.loads(meta_text)
    machine = machine_for(meta["config"], snapshot)
    session = Session(machine, machine.process(meta["pid"]), meta["length"])
    if session.golden != Ending.from_dict(meta["golden"]):
        raise FileError(f"{snapshot}: the run without a fault ends otherwise than when the campaign was planned; "
                        "go on with the version of Quire that planned it")
    return session


def _work(task: _Task) -> list[tuple[Any, ...]]:
    """(outcome, returncode, instructions run, detail, id) of each row."""
    key = (task.snapshot, task.meta)
    if key not in _sessions:
        _end_sessions()
        _sessions[key] = _session(*key)
    session = _sessions[key]
    detected = tuple(json.loads(task.meta)["detected"])
    results: list[tuple[Any, ...]] = []
    for number, insns, fault in task.rows:
        ending = session.play(insns, Fault.parse(fault))
        if ending is None:
            results.append(("not_activated", None, None, None, number))
        else:
            results.append((classify(ending, session.golden, detected), ending.returncode, ending.insns,
                            ending.detail or None, number))
    return results


__all__ = ["Campaign", "Injection"]
