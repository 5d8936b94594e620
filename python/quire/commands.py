"""quire maps, walk, trace, stat, snap: what Python sees of a program on the supervisor, from the shell.

Each runs PROGRAM up to a moment (--until, --after; by default the moment before it ends) and says what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .checks import env_of, files_of
from .errors import Error, UsageError
from .events import EVENTS, MACHINE_EVENTS, Condition, happens, shown
from .html import name_text
from .machine import Machine
from .process import Process
from .snapshot import Snapshot

_USAGE, _FAILED, _INTERRUPTED = 2, 3, 130
_PAGE = 4096
_TRACES = (".pftrace", ".perfetto-trace", ".json")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; '{self.prog} --help' says what there is")


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number, as in 1000 or 0x1000") from None


def _machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ram", default="256M", metavar="SIZE")
    parser.add_argument("--tlb", default=None, metavar="SPEC")
    parser.add_argument("--isa", default="", metavar="STRING")
    parser.add_argument("--engine", default="", metavar="NAME")
    parser.add_argument("--seed", type=_number, default=0, metavar="N")
    parser.add_argument("--env", action="append", default=[], metavar="K=V", help="a variable of the program's environment (repeatable)")
    parser.add_argument("--cwd", default="/", metavar="DIR", help="working directory of the program, which must be the guest's (default /)")
    parser.add_argument("--root", metavar="DIR[:rw]", help="make DIR the guest's /; PROGRAM is then a path in it")
    parser.add_argument("--share", action="append", default=[], metavar="HOST:GUEST[:rw]", help="let the guest see a directory of the host (repeatable)")
    parser.add_argument("--file", action="append", default=[], metavar="HOST:GUEST", help="give the program a file of the host (repeatable)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--until", metavar="EVENT[:FIELD=VALUE,...]", help="stop at this event of the supervisor, as fork or syscall_enter:nr=write")
    parser.add_argument("--after", type=_number, metavar="INSNS", help="stop so many instructions after the start")
    parser.add_argument("--timeout", type=float, metavar="SECONDS")
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="quire", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    maps = commands.add_parser("maps", help="the areas of its address space, and what is there of them")
    maps.add_argument("--pages", action="store_true", help="every page, with its frame and who shares it")
    maps.add_argument("--linux", action="store_true", help="the text of /proc/PID/maps")
    walk = commands.add_parser("walk", help="a page-table walk, level by level")
    walk.add_argument("--va", action="append", required=True, metavar="ADDRESS", help="a number, or a symbol of the program (repeatable)")
    walk.add_argument("--access", choices=["r", "w", "x"], default="r")
    trace = commands.add_parser("trace", help="what happened up to there, one event a line")
    trace.add_argument("--events", default="page_fault,cow,fork,exec,exit,signal", metavar="NAMES",
                       help=f"of {', '.join([*EVENTS, *MACHINE_EVENTS])}, syscall, mem_access")
    trace.add_argument("--limit", type=_number, default=100_000, metavar="N", help="keep the first N (default 100000)")
    trace.add_argument("-o", "--output", metavar="FILE", help="write them there instead: .pftrace (Perfetto), .json (Chrome trace) or .csv")
    commands.add_parser("stat", help="what the machine counted")
    snap = commands.add_parser("snap", help="write a snapshot of the machine to a file, or compare it with one")
    snap.add_argument("-o", "--output", metavar="FILE", help="where to")
    snap.add_argument("--diff", metavar="FILE", help="say what differs from this snapshot")
    for command in commands.choices.values():
        _machine_options(command)
    return parser


def _condition(text: str) -> Condition:
    name, _, filters = text.partition(":")
    fields: dict[str, int | str] = {}
    for part in filter(None, filters.split(",")):
        field, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"--until {text}: '{part}' is not FIELD=VALUE")
        try:
            fields[field] = int(value, 0)
        except ValueError:
            fields[field] = value
    return happens(name, **fields)


class _Moment:
    """PROGRAM at the moment that was asked for."""

    def __init__(self, options: argparse.Namespace, before: Callable[[Machine], Any] = lambda machine: None) -> None:
        self.machine = Machine.supervisor(ram=options.ram, tlb=options.tlb, isa=options.isa, seed=options.seed, engine=options.engine,
                                          root=options.root, shares=options.share)
        self.before = before(self.machine)
        self.process = self.machine.spawn([options.program, *options.args], env=env_of(options.env), cwd=options.cwd,
                                          files=files_of(options.file))
        self.machine.stdin.close()
        ends = self.process.ending | self.process.exited
        wanted = None if options.until is None else _condition(options.until)
        until = ends if wanted is None else wanted | ends
        self.stop = self.machine.run(until=until, max_insns=options.after, timeout=options.timeout)
        sys.stderr.write(f"{options.program}: {self.stop.reason} at instruction {self.stop.icount}: {self.stop.detail}\n")
        if wanted is not None and self.stop.detail not in [term.describe() for term in wanted._terms]:
            sys.stderr.write(f"quire: --until {options.until} did not come; what follows is of the moment at which the run ended\n")

    def living(self) -> Process:
        if self.process.returncode is not None:
            raise UsageError(f"the program has ended ({self.process.returncode}), and its address space is gone; stop before, with --until or --after")
        return self.process


def _say(options: argparse.Namespace, rows: Sequence[dict[str, Any]], line: Callable[[dict[str, Any]], str]) -> None:
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        sys.stdout.writelines(line(row) + "\n" for row in rows)


def _areas(process: Process) -> list[dict[str, Any]]:
    """What may be there, and how many pages of it are."""
    vmas, leaves = process.vmas, process.mappings
    rows = []
    for area in vmas:
        there = [leaf for leaf in leaves if leaf.va in area]
        rows.append({"start": area.start, "end": area.end, "permissions": area.permissions, "kind": area.kind, "name": area.name,
                     "offset": area.offset, "device": [area.major, area.minor], "inode": area.inode,
                     "pages": sum(leaf.bytes for leaf in there) // _PAGE,
                     "dirty": sum(leaf.bytes for leaf in there if "d" in leaf.flags) // _PAGE})
    for note in filter(None, [vmas.trouble, "a thread of the guest is about to change them" if vmas.locked else ""]):
        sys.stderr.write(f"quire: these areas: {note}\n")
    return rows


def _area_text(row: dict[str, Any]) -> str:
    shown = f"{row['start']:012x}-{row['end']:012x} {row['permissions']} {row['pages']:6} pages {row['dirty']:6} dirty  "
    return shown + name_text(row["name"])


def _maps(options: argparse.Namespace) -> None:
    process = _Moment(options).living()
    if options.linux:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(process.maps))
        return None
    if not options.pages:
        return _say(options, _areas(process), _area_text)
    rows = []
    for leaf in process.mappings:
        page = process.page(leaf.va)
        rows.append({"va": leaf.va, "bytes": leaf.bytes, "pfn": leaf.pfn, "flags": leaf.flags,
                     "use": None if page.frame is None else page.frame.use,
                     "sharers": [[other.pid, at] for other, at in page.sharers]})
    return _say(options, rows, lambda r: f"{r['va']:012x} {r['bytes']:#8x} frame {r['pfn']:#x} {r['flags']} {r['use'] or 'device':10} mapped {len(r['sharers'])} times")


def _address(process: Process, text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        address = process.symbol(text)
    if address is None:
        raise UsageError(f"--va {text}: neither a number, as in 1000 or 0x1000, nor a symbol of what the program has mapped")
    return address


def _walk(options: argparse.Namespace) -> None:
    process = _Moment(options).living()
    rows: list[dict[str, Any]] = []
    for va in (_address(process, text) for text in options.va):
        walk = process.walk(va, options.access)
        steps = [{"level": s.level, "pte_address": s.pte_address, "pte": s.pte, "flags": s.flags} for s in walk.steps]
        rows.append({"va": va, "access": options.access, "steps": steps, "physical_address": walk.physical_address,
                     "page_bytes": walk.page_bytes, "fault": walk.fault, "reason": walk.reason})
    _say(options, rows, _walk_text)


def _walk_text(row: dict[str, Any]) -> str:
    lines = [f"{row['va']:#x}, access '{row['access']}':"]
    lines += [f"  level {s['level']}: PTE at {s['pte_address']:#x} is {s['pte']:#018x} {s['flags']}" for s in row["steps"]]
    end = f"fault: {row['fault']}, {row['reason']}" if row["fault"] else f"physical address {row['physical_address']:#x}, a page of {row['page_bytes']:#x} bytes"
    return "\n".join([*lines, f"  {end}"])


def _trace(options: argparse.Namespace) -> None:
    names = [name for name in options.events.split(",") if name]
    if options.output is not None and not options.output.endswith((".csv", *_TRACES)):
        raise UsageError(f"-o {options.output}: events are written as {', '.join(_TRACES)} or .csv; end the name so")
    moment = _Moment(options, lambda machine: machine.record(*names, limit=options.limit))
    events = moment.before
    if options.output is None:
        _say(options, [{"icount": e.icount, "event": e.event, **e.fields} for e in events], _event_text)
    elif options.output.endswith(".csv"):
        events.write_csv(options.output)
    else:
        events.write_trace(options.output)
    if events.dropped:
        sys.stderr.write(f"quire: {events.dropped} further events are not kept; --limit takes more\n")


def _event_text(row: dict[str, Any]) -> str:
    fields = (f"{name}={shown(name, value)}" for name, value in row.items() if name not in ("icount", "event"))
    return f"{row['icount']:12} {row['event']:14} {' '.join(fields)}"


def _stat(options: argparse.Namespace) -> None:
    moment = _Moment(options)
    stats, tlb = moment.machine.stats, moment.machine.stats.tlb
    rows: list[dict[str, Any]] = [{"name": name, "value": getattr(stats, name)} for name in
                                  ("icount", "minstret", "traps", "interrupts", "page_fault_traps", "minor_faults", "major_faults")]
    rows += [{"name": f"faults.{kind}", "value": value} for kind, value in stats.faults.items() if value]
    rows += [{"name": f"events.{name}", "value": value} for name, value in stats.events.items() if value]
    rows += [{"name": f"tlb.{name}", "value": getattr(tlb, name)} for name in ("hits", "misses", "walks", "evictions", "pte_reads")]
    rows.append({"name": "digest", "value": moment.machine.digest})
    _say(options, rows, lambda row: f"{row['name']:24} {'not counted' if row['value'] is None else row['value']}")


def _snap(options: argparse.Namespace) -> None:
    if options.output is None and options.diff is None:
        raise UsageError("snap writes a snapshot with -o FILE, or compares with one, --diff FILE")
    other = Snapshot.load(options.diff) if options.diff is not None else None
    snapshot = _Moment(options).machine.snapshot()
    if options.output is not None:
        snapshot.save(options.output)
    row: dict[str, Any] = {"icount": snapshot.icount, "pc": snapshot.pc, "pages": snapshot.pages, "digest": snapshot.digest}
    if other is not None:
        diff = other.diff(snapshot)
        row |= {"values": {v.name: [v.before, v.after] for v in diff.values}, "parts": list(diff.parts),
                "memory": [[place.address, place.bytes, place.changed] for place in diff.memory]}
    _say(options, [row], _snap_text)


def _snap_text(row: dict[str, Any]) -> str:
    lines = [f"instruction {row['icount']}, pc {row['pc']:#x}, {row['pages']} pages that are not zero, digest {row['digest']}"]
    lines += [f"{name}: {before:#x} -> {after:#x}" for name, (before, after) in row.get("values", {}).items()]
    lines += [f"{address:#x}: {changed} of {count} bytes differ" for address, count, changed in row.get("memory", [])]
    return "\n".join([*lines, *(f"{part} differs" for part in row.get("parts", []))])


_COMMANDS = {"maps": _maps, "walk": _walk, "trace": _trace, "stat": _stat, "snap": _snap}


def main(words: Sequence[str] | None = None) -> int:
    try:
        options = _parser().parse_args(words)
        _COMMANDS[options.command](options)
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # type: ignore[assignment]  # nobody reads it
        return 0
    except Error as error:
        sys.stderr.write(f"quire: {error}\n")
        return _USAGE if isinstance(error, UsageError) else _FAILED


__all__ = ["main"]
