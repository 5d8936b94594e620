"""quire.run(): one program from start to end, like subprocess.run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _core
from .checks import count, seconds
from .errors import Error, ProgramFailed
from .machine import Files, StrPath, program_of, ram_text, tlb_text
from .stats import Stats

if TYPE_CHECKING:
    from typing_extensions import Buffer

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

    def check_returncode(self) -> None:
        """Raises ProgramFailed when the status is not 0."""
        if self.returncode != 0:
            how = f"was killed by {_core.signal_name(-self.returncode)}" if self.returncode < 0 else \
                f"ended with status {self.returncode}"
            raise ProgramFailed(self, f"{self.args[0]} {how}")


def run(program: StrPath | Sequence[StrPath], *args: str, input: Buffer | str | None = None, text: bool = False,
        check: bool = False, timeout: float | None = None, max_insns: int | None = None, ram: str | int = "256M",
        tlb: str | Mapping[str, int | str] | None = None, isa: str = "", seed: int = 0,
        env: Mapping[str, str] | None = None, cwd: str = "/", files: Files | None = None) -> CompletedRun:
    """Runs a riscv64 Linux program of the host on the supervisor: run("./primes", "1000").

    It starts in the guest's `cwd` and sees no file of the host but itself, its libraries and `files`, which maps
    paths in the guest to files of the host. `input` is its standard input. With `text`,
    stdout and stderr are str. `timeout` counts seconds of the host, `max_insns` instructions. `isa`
    ("rv64gc_zba") leaves other extensions out.
    """
    words: list[StrPath] = [program] if isinstance(program, (str, os.PathLike)) else list(program)
    words += args
    limit = None if max_insns is None else count(max_insns, "max_insns")
    patience = seconds(timeout)
    guest = _core.Guest.supervisor(ram_text(ram), tlb_text(tlb), isa, count(seed, "seed"),
                                   program_of(words, env, cwd, files))
    try:
        if input is not None:
            guest.write_stdin(input.encode() if isinstance(input, str) else input)
        guest.close_stdin()
        stop = guest.run(limit, patience, [])
        completed = _completed(guest, [os.fspath(word) for word in words], stop, text, seed)
    finally:
        if not guest.closed:
            guest.close()
    if check:
        completed.check_returncode()
    return completed


def _completed(guest: _core.Guest, args: list[str], stop: _core.Stop, text: bool, seed: int) -> CompletedRun:
    stats = Stats.from_core(guest.stats())
    log = guest.kernel_log().decode(errors="replace")
    pid = guest.main_pid()
    if stats.events["panic"] or (pid is None and stop.reason == "exited"):
        lines = log.strip().splitlines()
        what = "the supervisor panicked" if stats.events["panic"] else f"{args[0]}: the supervisor did not start it"
        raise Error(f"{what}: {lines[-1] if lines else 'its log is empty'}")

    def shown(data: bytes) -> bytes | str:
        return data.decode(errors="replace") if text else data

    config = {"mode": "supervisor", "ram_bytes": guest.ram_bytes, "tlb": guest.tlb_config(),
              "isa": guest.isa(), "seed": seed, "version": _core.__version__}
    return CompletedRun(args, _returncode(guest, pid, stop), shown(guest.stdout()), shown(guest.stderr()), stats, stop,
                        f"{guest.digest():016x}", config, log)


def _returncode(guest: _core.Guest, pid: int | None, stop: _core.Stop) -> int:
    if stop.exit_status is None:
        return _LIMIT_STATUS
    info = guest.process(pid) if pid is not None else None
    signal = info.wait_status & 0x7F if info is not None and info.exited else 0
    return -signal if signal else stop.exit_status


__all__ = ["CompletedRun", "run"]
