"""quire.run(): one program from start to end, like subprocess.run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _core, html
from .checks import count, seconds, text_of, wrong
from .errors import Error, ProgramFailed
from .machine import Files
from .settings import Shares, Tlb, mounted_shares, path_of, program_of, setup
from .snapshot import StrPath
from .stats import Stats

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_LIMIT_STATUS = 124


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """How a program ended, what it wrote, and what the machine counted.

    `returncode` is the exit status, minus the signal that killed the program, or 124 when a limit
    ended the run (`stop.reason` then says which: 'limit', 'timeout', or 'idle').
    """

    args: list[str]
    returncode: int
    stdout: bytes | str = field(repr=False)
    stderr: bytes | str = field(repr=False)
    stats: Stats = field(repr=False)
    stop: _core.Stop
    digest: str
    config: dict[str, Any] = field(repr=False)
    kernel_log: str = field(repr=False)

    def _repr_html_(self) -> str:
        ended = "limit" if self.stop.exit_status is None else _core.signal_name(-self.returncode) if self.returncode < 0 else "exit"
        rows = [("returncode", str(self.returncode)), ("ended by", ended), ("stop", self.stop.detail), ("icount", self.stats.icount),
                ("minor faults", self.stats.minor_faults), ("major faults", self.stats.major_faults), ("digest", self.digest)]
        streams = [(name, _beginning(data)) for name, data in (("stdout", self.stdout), ("stderr", self.stderr)) if data]
        return html.facts(rows, " ".join(self.args)) + (html.facts(streams) if streams else "")

    def check_returncode(self) -> None:
        """Raises ProgramFailed when the status is not 0."""
        if self.returncode != 0:
            if self.stop.exit_status is None:
                how = f"did not end: {self.stop.detail} ({self.stop.reason}, after {self.stop.icount} instructions)"
            elif self.returncode < 0:
                how = f"was killed by {_core.signal_name(-self.returncode)}"
            else:
                how = f"ended with status {self.returncode}"
            raise ProgramFailed(self, f"{self.args[0]} {how}")


def _beginning(data: bytes | str, limit: int = 2000) -> str:
    """Of a stream, what is worth showing."""
    text = html.text_of_bytes(data[:limit])
    return text if len(data) <= limit else f"{text}... ({len(data):,} in all)"


def run(program: StrPath | Sequence[StrPath], *args: str, input: Buffer | str | None = None, text: bool = False,
        check: bool = False, timeout: float | None = None, max_insns: int | None = None, ram: str | int = "256M",
        tlb: Tlb = None, isa: str = "", seed: int = 0, env: Mapping[str, str] | None = None, cwd: str = "/",
        files: Files | None = None, root: StrPath | None = None, shares: Shares = (),
        append: str = "", output_limit: str | int = "256M", engine: str = "") -> CompletedRun:
    """Runs a riscv64 Linux program of the host on the supervisor: run("./primes", "1000").

    It starts in the guest's `cwd` and sees no file of the host but itself, its libraries and `files`, which maps
    paths in the guest to files of the host. `input` is its standard input. With `text`,
    stdout and stderr are str. `timeout` counts seconds of the host, `max_insns` instructions. `isa`
    ("rv64gc_zba") leaves other extensions out. `root`, `shares`, `append` and
    `engine` are as for Machine.supervisor(). A program that
    writes more than `output_limit` to one stream is an Error.

    >>> r = quire.run("./primes", "10", text=True)
    >>> r.returncode, r.stdout, r.stats.events["fork"]
    (0, '2\\n', 1)
    """
    words = _words(program, args)
    given = b"" if input is None else _input_bytes(input)
    limit = None if max_insns is None else count(max_insns, "max_insns")
    patience = seconds(timeout)
    made = setup(ram=ram, tlb=tlb, isa=isa, seed=seed, output_limit=output_limit, engine=engine)
    guest = _core.Guest.supervisor(made, program_of(words, env, cwd, files), "" if root is None else path_of("root", root),
                                   mounted_shares(shares), text_of("append", append))
    try:
        guest.write_stdin(given)
        guest.close_stdin()
        stop = guest.run(limit, patience, [])
        completed = _completed(guest, [os.fspath(word) for word in words], stop, text, seed)
        for stream in ("stdout", "stderr"):
            if guest.output_dropped(stream):
                raise Error(f"{completed.args[0]}: it wrote {guest.output_bytes(stream)} bytes to {stream}, of which not all are "
                            f"kept; give output_limit= for more")
    finally:
        if not guest.closed:
            guest.close()
    if check:
        completed.check_returncode()
    return completed


def _words(program: Any, args: tuple[Any, ...]) -> list[Any]:
    if isinstance(program, (str, bytes, os.PathLike)):
        return [program, *args]
    if not isinstance(program, Sequence):
        raise wrong("program", program, "the path of a riscv64 Linux program, or a list that begins with it")
    return [*program, *args]


def _input_bytes(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise wrong("input", data, "text or bytes: what the program reads from standard input") from None


def _completed(guest: _core.Guest, args: list[str], stop: _core.Stop, text: bool, seed: int) -> CompletedRun:
    stats = Stats.from_core(guest.stats())
    log = guest.output("uart").decode(errors="replace")
    pid = guest.main_pid()
    if stats.events["panic"] or (pid is None and stop.reason == "exited"):
        lines = log.strip().splitlines()
        what = "the supervisor panicked" if stats.events["panic"] else f"{args[0]}: the supervisor did not start it"
        raise Error(f"{what}: {lines[-1] if lines else 'its log is empty'}")

    def shown(data: bytes) -> bytes | str:
        return data.decode(errors="replace") if text else data

    config = {"mode": "supervisor", "ram_bytes": guest.ram_bytes, "tlb": guest.tlb_config(),
              "isa": guest.isa(), "seed": seed, "engine": guest.engine(), "output_limit": guest.output_limit_bytes, "version": _core.__version__}
    return CompletedRun(args, _returncode(guest, pid, stop), shown(guest.output("stdout")), shown(guest.output("stderr")), stats, stop,
                        f"{guest.digest():016x}", config, log)


def _returncode(guest: _core.Guest, pid: int | None, stop: _core.Stop) -> int:
    if stop.exit_status is None:
        return _LIMIT_STATUS
    info = guest.process(pid) if pid is not None else None
    signal = info.wait_status & 0x7F if info is not None and info.exited else 0
    return -signal if signal else stop.exit_status


__all__ = ["CompletedRun", "run"]
