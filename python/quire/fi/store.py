"""The campaign's file: SQLite, written as results come.

`plays` are the runs, each with its result once it is there; `chosen` are the injections of the plan, each with the play
that stands for it, and counted once it is `taken`. The view `injections` shows them with their results.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import FileError
from .prune import Chosen

_FORMAT = 2
_SCHEMA = """
create table meta (key text primary key, value text not null);
create table plays (
  id integer primary key, insns integer not null, fault text not null,
  outcome text, returncode integer, run_insns integer, detail text, unique (insns, fault, outcome));
create table chosen (
  id integer primary key, insns integer not null, fault text not null,
  play integer not null references plays, place_in_line integer not null, taken integer not null default 0);
create index chosen_by_play on chosen (play);
create index chosen_by_line on chosen (place_in_line);
create view injections as
  select c.id, c.insns, c.fault, case when c.taken then p.outcome end as outcome,
         case when c.taken then p.returncode end as returncode, case when c.taken then p.run_insns end as run_insns,
         case when c.taken then p.detail end as detail
  from chosen c join plays p on p.id = c.play;
"""
_COUNTED = "from chosen c join plays p on p.id = c.play where c.taken and p.outcome is not null"

Row = tuple[int, int, str]


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path)
            self.meta = dict(self._db.execute("select key, value from meta"))
        except sqlite3.DatabaseError as error:
            raise FileError(f"{path}: not a campaign's file ({error}); 'quire fi plan' and Campaign.plan() make one") from None
        if self.meta.get("format") != str(_FORMAT):
            raise FileError(f"{path}: a campaign in format {self.meta.get('format')}, this version reads {_FORMAT}")

    @staticmethod
    def create(path: Path, meta: dict[str, Any], chosen: Iterable[Chosen]) -> None:
        """`meta` values become JSON. Injections are taken in an order drawn by chance: so the part that has been run is
        a sample of the whole."""
        plays: dict[tuple[int, str, str | None], int] = {}
        details: list[str | None] = []
        rows = []
        for one in chosen:
            number = plays.setdefault((one.run_insns, str(one.run_fault), one.outcome), len(plays) + 1)
            if number > len(details):
                details.append(one.detail)
            rows.append((one.insns, str(one.fault), number))
        line = list(range(len(rows)))
        random.Random(len(rows)).shuffle(line)
        known = (meta["golden"]["returncode"], meta["golden"]["insns"])
        everything = {**meta, "runs": sum(outcome is None for _, _, outcome in plays)}
        database = sqlite3.connect(path)
        with database:
            database.executescript(_SCHEMA)
            database.executemany("insert into meta values (?, ?)",
                                 [("format", str(_FORMAT)), *((key, json.dumps(value)) for key, value in everything.items())])
            database.executemany(
                "insert into plays (id, insns, fault, outcome, returncode, run_insns, detail) values (?, ?, ?, ?, ?, ?, ?)",
                ((number, insns, fault, outcome, *(known if outcome in ("masked", "latent") else (None, None)), details[number - 1])
                 for (insns, fault, outcome), number in plays.items()))
            database.executemany("insert into chosen (insns, fault, play, place_in_line) values (?, ?, ?, ?)",
                                 ((*row, place) for row, place in zip(rows, line, strict=True)))
        database.close()

    def get(self, key: str) -> Any:
        return json.loads(self.meta[key])

    def next_batch(self, size: int) -> tuple[list[int], list[Row]]:
        """The next injections in line, and the plays that are wanting for them, in the order of the run."""
        batch = [row[0] for row in self._db.execute(
            "select id from chosen where not taken order by place_in_line limit ?", (size,))]
        plays: list[Row] = []
        for part in _parts(batch):
            plays += self._db.execute(
                f"select distinct p.id, p.insns, p.fault from plays p join chosen c on c.play = p.id "
                f"where p.outcome is null and c.id in ({','.join('?' * len(part))})", part)
        return batch, sorted(set(plays), key=lambda row: (row[1], row[0]))

    def keep(self, results: list[tuple[Any, ...]]) -> None:
        """(outcome, returncode, instructions run, detail, play) of each."""
        with self._db:
            self._db.executemany("update plays set outcome = ?, returncode = ?, run_insns = ?, detail = ? where id = ?", results)

    def take(self, batch: list[int]) -> None:
        """Counts those of the batch whose play has a result."""
        with self._db:
            for part in _parts(batch):
                self._db.execute(
                    f"update chosen set taken = 1 where id in ({','.join('?' * len(part))}) "
                    "and (select outcome from plays where id = play) is not null", part)

    def counts(self) -> dict[str, int]:
        return dict(self._db.execute(f"select p.outcome, count(*) {_COUNTED} group by p.outcome"))

    def size(self) -> int:
        return int(self._db.execute("select count(*) from chosen").fetchone()[0])

    def plays_left(self) -> int:
        return int(self._db.execute("select count(*) from plays where outcome is null").fetchone()[0])

    def row(self, number: int) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute("select * from injections where id = ?", (number,)).fetchone()
        return row

    def run_row(self, number: int) -> Row | None:
        """The play of an injection."""
        row: Row | None = self._db.execute("select p.id, p.insns, p.fault from chosen c join plays p on p.id = c.play where c.id = ?",
                                           (number,)).fetchone()
        return row

    def rows(self) -> Iterable[tuple[Any, ...]]:
        return self._db.execute("select * from injections order by id")

    def close(self) -> None:
        self._db.close()


def _parts(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    return (ids[i:i + size] for i in range(0, len(ids), size))


__all__ = ["Store"]
