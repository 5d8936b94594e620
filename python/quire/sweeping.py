"""quire.sweep(): one program under many settings; the result is a table.

    table = quire.sweep("./matmul", "64", tlb=["entries=16,policy=lru", "entries=64,policy=lru"], seeds=range(5))
    table.to_pandas().groupby("tlb").tlb_misses.mean()
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .checks import count, wrong
from .errors import UsageError, optional
from .running import run
from .settings import path_of
from .snapshot import StrPath
from .trace_file import write_csv

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_VARIED = ("tlb", "ram", "isa", "engine", "cwd", "root", "append", "max_insns", "timeout")
_FIXED = ("env", "files", "shares", "input", "output_limit")


class SweepTable:
    """A row a run: what was set, and what came of it. `rows` are dictionaries."""

    __slots__ = ("rows",)

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    @property
    def columns(self) -> list[str]:
        """Names of what table["name"] gives."""
        return list(self.rows[0]) if self.rows else []

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, key: int | str) -> Any:
        """table[i] is a row, table["icount"] a column."""
        if isinstance(key, str):
            if key not in self.columns:
                raise UsageError(f"no column is called '{key}'; there are {', '.join(self.columns)}")
            return [row[key] for row in self.rows]
        return self.rows[key]

    def to_dict(self) -> dict[str, list[Any]]:
        """{column: its values}."""
        return {name: self[name] for name in self.columns}

    def write_csv(self, path: StrPath) -> None:
        """As CSV: a line of names, a line a run."""
        write_csv(path, self.columns, (list(row.values()) for row in self.rows))

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; needs pandas."""
        return optional("pandas", "to_pandas()").DataFrame(self.rows)

    def __repr__(self) -> str:
        return f"<SweepTable of {len(self)} runs: {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415  (for notebooks alone)

        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(str(row[name]))}</td>" for name in self.columns) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def sweep(program: StrPath, *args: str, seeds: Iterable[int] = (0,), executor: Executor | None = None,
          **settings: Any) -> SweepTable:
    """Runs the program under every combination of the settings that are lists, for every seed.

    Settings are those of quire.run(). `executor` is any concurrent.futures.Executor: a ProcessPoolExecutor here, Dask's
    or MPI's across machines; without one, the runs follow each other. Rows are in the order of the combinations,
    whatever ran first. A run that fails is an exception, and the rest is cancelled.
    """
    path = path_of("program", program)
    for name, value in settings.items():
        if name not in _VARIED + _FIXED:
            raise UsageError(f"'{name}' is no setting of quire.run() that can be swept; there are {', '.join(_VARIED + _FIXED)}")
        if name in _VARIED and _is_list(value) and not value:
            raise UsageError(f"{name}={value!r} has nothing in it to run with")
    if not isinstance(seeds, Iterable) or isinstance(seeds, (str, bytes)):
        raise wrong("seeds", seeds, "whole numbers, as range(5)")
    each_seed = [count(seed, "seed") for seed in seeds]
    choices = [[(name, one) for one in (value if name in _VARIED and _is_list(value) else [value])] for name, value in settings.items()]
    varied = [name for name, value in settings.items() if name in _VARIED]
    tasks = [(path, args, dict(combination), seed, varied) for combination in itertools.product(*choices) for seed in each_seed]
    return SweepTable(list(_shown(_rows(tasks, executor), len(tasks))))


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _rows(tasks: Sequence[tuple[Any, ...]], executor: Executor | None) -> Iterator[dict[str, Any]]:
    if executor is None:
        yield from (_one(*task) for task in tasks)
        return
    if not hasattr(executor, "submit"):
        raise wrong("executor", executor, "a concurrent.futures.Executor")
    futures: list[Future[dict[str, Any]]] = [executor.submit(_one, *task) for task in tasks]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _shown(rows: Iterator[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """A line that counts, on a terminal."""
    live = sys.stderr is not None and sys.stderr.isatty()
    for done, row in enumerate(rows, 1):
        if live:
            sys.stderr.write(f"\r{done} of {total} runs" + ("\n" if done == total else ""))
            sys.stderr.flush()
        yield row


def _one(program: str, args: Sequence[str], settings: Mapping[str, Any], seed: int, varied: Sequence[str]) -> dict[str, Any]:
    """A run, as plain values: it may be another process'."""
    r = run(program, *args, seed=seed, **settings)
    stats = r.stats
    shown = {name: settings[name] if isinstance(settings[name], (str, int, float)) else _text(settings[name]) for name in varied}
    return {**shown, "seed": seed, "returncode": r.returncode, "stop": r.stop.reason, "icount": stats.icount,
            "traps": stats.traps, "interrupts": stats.interrupts, "minor_faults": stats.minor_faults,
            "major_faults": stats.major_faults, "tlb_hits": stats.tlb.hits, "tlb_misses": stats.tlb.misses,
            "tlb_walks": stats.tlb.walks, "tlb_evictions": stats.tlb.evictions, "stdout_bytes": len(r.stdout), "digest": r.digest}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return ",".join(f"{key}={one}" for key, one in value.items())
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


__all__ = ["SweepTable", "sweep"]
