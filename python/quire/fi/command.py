"""`quire fi plan|run|report|replay`: campaigns from the shell. Also `python -m quire.fi`."""

from __future__ import annotations

import argparse
import code
import concurrent.futures
import json
import multiprocessing
import os
import sqlite3
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..checks import env_of, files_of
from ..errors import Error, FileError, UsageError
from ..events import happens
from ..machine import Machine
from ..process import Process
from .campaign import Campaign, check_export
from .models import Fault, flips
from .space import Space
from .symbols import symbols_of
from .triggers import parse_trigger

_USAGE, _FAILED, _INTERRUPTED = 2, 3, 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; '{self.prog} --help' says what there is")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="quire fi", description="Fault injection: what one wrong bit, or one thing that does not happen, makes of a run.")
    commands = parser.add_subparsers(dest="command", metavar="plan|run|report|replay", required=True, parser_class=_Parser)
    _add_plan(commands.add_parser("plan", usage="quire fi plan [OPTIONS] FILE -- PROGRAM [ARGS...]", help="choose the injections; says how many and how long",
                                  description="Plans injections into a program on the supervisor, or into a whole machine (--bare, --linux).",
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  epilog="Faults and triggers: docs/fault-injection.md"))
    run = commands.add_parser("run", help="run what is left of a campaign")
    run.add_argument("file")
    run.add_argument("--workers", type=int, default=1, metavar="N", help="processes that share the work (default 1)")
    run.add_argument("--limit", type=int, metavar="N", help="run only so many injections")
    run.add_argument("--until-margin", type=float, metavar="M", help="stop when every share is known to within M (0.02)")
    report = commands.add_parser("report", help="the table of outcomes; as HTML, CSV or Parquet")
    report.add_argument("file")
    report.add_argument("--html", metavar="FILE", help="a page with the fault space as a picture")
    report.add_argument("--export", metavar="FILE", help="every row, as .csv or .parquet")
    report.add_argument("--json", action="store_true", help="the table as JSON")
    replay = commands.add_parser("replay", help="a row again: the machine just before its injection, and what comes of it")
    replay.add_argument("file")
    replay.add_argument("row", type=int)
    replay.add_argument("--shell", action="store_true", help="stop there, in Python: `case`, `m` and `p` are the case, its machine, its process")
    return parser


def _add_plan(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("file", help="the campaign's file, which must not be there yet")
    plan.add_argument("--flips", action="append", default=[], metavar="PLACES", help="every single-bit flip of these: x, f, pc, x10, ram:0x...,")
    plan.add_argument("--bits", metavar="BITS", help="of --flips: only these, as 0-7,63")
    plan.add_argument("--fault", action="append", default=[], metavar="FAULT", help="one fault, as 'x10 flip 3' or 'fence lose 2'")
    plan.add_argument("--at", default="every", metavar="TRIGGER", help="when: every, every:1000, pc:main@1, syscall:write, ... (default every)")
    size = plan.add_mutually_exclusive_group()
    size.add_argument("--margin", type=float, metavar="M", help="as many as tell every share to within M (0.02)")
    size.add_argument("--samples", type=int, metavar="N", help="so many, drawn by chance; without either, all there are")
    plan.add_argument("--confidence", type=float, default=0.95, metavar="C")
    plan.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw")
    plan.add_argument("--detected", type=int, action="append", default=[], metavar="STATUS", help="exit status by which the program says that it noticed")
    plan.add_argument("--check", metavar="COMMAND", help="judges the disk: a command with {disk} in it, or FILE.py:FUNCTION")
    plan.add_argument("--no-prune", action="store_true", help="run what could be told without a run, too")
    plan.add_argument("--max-insns", type=int, default=10_000_000_000, metavar="N", help="the fault-free run must end within N instructions (default 10^10)")
    plan.add_argument("--timeout", type=float, metavar="SECONDS", help="and within so many seconds")
    plan.add_argument("--skip", type=int, default=0, metavar="N", help="let N instructions pass before the campaign begins")
    machine = plan.add_argument_group("machine")
    machine.add_argument("--ram", default="256M")
    machine.add_argument("--output-limit", default="16M", metavar="SIZE", help="of each stream that is compared (default 16M)")
    machine.add_argument("--tlb", default=None)
    machine.add_argument("--isa", default="")
    machine.add_argument("--engine", default="", choices=("auto", "interp", "jit"), help="default: $QUIRE_ENGINE, else auto")
    machine.add_argument("--machine-seed", type=int, default=0, metavar="N")
    machine.add_argument("--drive", action="append", default=[], metavar="FILE,snapshot")
    machine.add_argument("--file", dest="files", action="append", default=[], metavar="HOST:GUEST", help="give the program a file of the host (repeatable)")
    machine.add_argument("--env", action="append", default=[], metavar="K=V", help="a variable of the program's environment (repeatable)")
    machine.add_argument("--cwd", metavar="DIR", help="working directory of the program (default /)")
    machine.add_argument("--bare", metavar="ELF", help="a bare program instead of one on the supervisor")
    machine.add_argument("--linux", metavar="KERNEL", help="a kernel, up to its power-off")
    machine.add_argument("--initrd", metavar="FILE")
    machine.add_argument("--append", default="", metavar="TEXT")


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    # What follows -- is the guest's: argparse would look for options among it.
    end = words.index("--") if "--" in words else len(words)
    try:
        options = _parser().parse_args(words[:end])
        options.program = words[end + 1:]
        if options.program and options.command != "plan":
            raise UsageError(f"'quire fi {options.command}' takes no program: the campaign knows its own")
        {"plan": _plan, "run": _run, "report": _report, "replay": _replay}[options.command](options)
    except UsageError as error:
        return _complain(error, _USAGE)
    except (Error, OSError) as error:
        return _complain(error, _FAILED)
    except sqlite3.Error as error:
        return _complain(FileError(f"{options.file}: {error}; is it whole, and may it be written to?"), _FAILED)
    except KeyboardInterrupt:
        then = {"plan": "nothing is planned", "run": "'quire fi run' goes on"}.get(options.command, "nothing is changed")
        print(f"quire fi: interrupted; {then}", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _complain(error: Exception, status: int) -> int:
    print("quire fi: " + " ".join(str(error).split()), file=sys.stderr)
    return status


def _bits(text: str | None) -> list[int] | None:
    if text is None:
        return None
    bits: list[int] = []
    for word in text.split(","):
        first, dash, last = word.partition("-")
        try:
            bits += range(int(first), int(last if dash else first) + 1)
        except ValueError:
            raise UsageError(f"--bits '{text}' is no list of bits; it reads like 0-7,63") from None
    return bits


def _machine(options: argparse.Namespace) -> tuple[Machine, Process | None, str]:
    common = {"ram": options.ram, "tlb": options.tlb, "isa": options.isa, "seed": options.machine_seed, "drives": options.drive,
              "engine": options.engine, "output_limit": options.output_limit}
    chosen = [name for name in ("bare", "linux") if getattr(options, name)] + (["PROGRAM"] if options.program else [])
    if len(chosen) != 1:
        raise UsageError("give one of --bare ELF, --linux KERNEL and a program after --" + (f", not {' and '.join(chosen)}" if chosen else ""))
    if chosen != ["PROGRAM"] and (options.files or options.env or options.cwd):
        raise UsageError("--file, --env and --cwd are for a program after --; a whole machine has its drives and its own")
    if options.bare:
        return Machine.bare(options.bare, **common), None, options.bare
    if options.linux:
        return Machine.linux(options.linux, initrd=options.initrd, append=options.append, **common), None, options.linux
    machine = Machine.supervisor(**common)
    process = machine.spawn(options.program, env=env_of(options.env), cwd=options.cwd or "/", files=files_of(options.files))
    return machine, process, options.program[0]


def _plan(options: argparse.Namespace) -> None:
    faults = [Fault.parse(text) for text in options.fault]
    for places in options.flips:
        faults += flips(*places.split(","), bits=_bits(options.bits))
    if not faults:
        raise UsageError("there is nothing to inject: give --flips PLACES or --fault FAULT")
    machine, process, program = _machine(options)
    with machine:
        if options.skip:
            machine.run(max_insns=options.skip)
        space = Space(faults, parse_trigger(options.at, lambda name: symbols_of(program).get(name)))
        with Campaign.plan(options.file, machine, process, space, margin=options.margin, confidence=options.confidence,
                           samples=options.samples, seed=options.seed, detected=options.detected, check=options.check,
                           pruned=not options.no_prune, max_insns=options.max_insns, timeout=options.timeout) as campaign:
            print(campaign.describe(os.cpu_count() or 1))


def _run(options: argparse.Namespace) -> None:
    if options.workers < 1:
        raise UsageError(f"--workers {options.workers}: one or more")
    with Campaign.open(options.file) as campaign:
        if not sys.stderr.isatty():  # there, run() says it
            print(campaign.describe(options.workers), file=sys.stderr, flush=True)
        settings = {"limit": options.limit, "until_margin": options.until_margin}
        if options.workers == 1:
            print(campaign.run(**settings))
            return
        with concurrent.futures.ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            print(campaign.run(executor=pool, workers=options.workers, **settings))


def _report(options: argparse.Namespace) -> None:
    if options.export:
        check_export(options.export)
    with Campaign.open(options.file) as campaign:
        if options.html:
            campaign.report(options.html)
        if options.export:
            campaign.export(options.export)
        table = campaign.table()
        if options.json:
            rows = {row.outcome: {"count": row.count, "share": row.share, "low": row.low, "high": row.high} for row in table}
            print(json.dumps({"outcomes": rows, "done": table.done, "planned": table.planned, "emulator_errors": table.errors,
                              "population": campaign.population, "confidence": campaign.confidence}))
        else:
            print(table)


def _replay(options: argparse.Namespace) -> None:
    with Campaign.open(options.file) as campaign:
        injection = campaign.injection(options.row)
        print(f"{injection.id}: '{injection.fault}' before instruction {injection.insns}: {injection.outcome or 'not run yet'}"
              + (f" ({injection.detail})" if injection.detail else ""))
        with campaign.replay(options.row) as case:
            if options.shell:
                code.interact("case.inject() does it; m is the machine, p the process", local={"case": case, "m": case.machine, "p": case.process, "happens": happens},
                              exitmsg="")
                return
            print(f"at {case.machine.harts[0]}")
        outcome = campaign.play_again(options.row)
        print(f"again: {outcome}")
        if injection.outcome not in (None, outcome):
            raise Error(f"{options.file}: injection {options.row} was '{injection.outcome}' and is '{outcome}' now; please report it")


__all__ = ["main"]
