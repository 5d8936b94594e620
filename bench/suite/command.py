"""quire bench: the suite's programs under Debian's Linux on QEMU and on Quire, on Quire's supervisor, and on the host itself.

Each repetition boots every system once, touches the guest's memory, waits until its kernel has come to rest, and runs all
programs there, one after the other. Figures are CPU seconds (user and system) of the emulator's process, from a program's word
that it is ready to its word that it is done; of `native`, the program's own. What a program computes must be the same
everywhere, or nothing is reported. Both emulators have one hart, the same RAM, the same extensions and Sv39; what a program
needs was touched before its clock starts, but for what it is about.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import making, picture, results, systems
from .catalogue import ABOUT, BOOT, GOALS, PROGRAMS, WARM, WARM_PERCENT, Program, select
from .serving import Failed

DEFAULT_REPEAT = 5


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Which program runs, over and over in one line of a terminal; elsewhere only what a system took as a whole."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def at(self, text: str) -> None:
        if self._live:
            print(f"\r{text:70}", end="", file=sys.stderr, flush=True)

    def done(self, text: str) -> None:
        print(f"\r{text:70}" if self._live else text, file=sys.stderr, flush=True)


def list_programs() -> None:
    for group, about in ABOUT.items():
        names = [program.name for program in PROGRAMS if program.group == group]
        goal = GOALS[group]
        share = f", or {goal.native:.0%} of native speed" if goal.native else ""
        print(f"{group:9} {about}; goal: QEMU's time is {goal.ratio:g} of ours{share}")
        if names:
            print(f"{'':9} {' '.join(names)}")


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quire bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs or classes (default: all); --list has them")
    parser.add_argument("--list", action="store_true", help="programs, by class")
    parser.add_argument("--repeat", type=int, default=DEFAULT_REPEAT, metavar="N", help="repetitions (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="this share of each program's rounds")
    parser.add_argument("--columns", default=",".join(systems.COLUMNS), metavar="A,B", help="of %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture there")
    parser.add_argument("--build", type=Path, default=Path(os.environ.get("QUIRE_BUILD_DIR", making.ROOT / "build")),
                        metavar="DIR", help="the folder that has quire")  # fmt: skip
    options = parser.parse_args(words)
    if options.repeat < 1 or not 0 < options.scale <= 1000:
        parser.error("--repeat wants a number from 1, --scale one above 0")
    options.columns = options.columns.split(",")
    for column in options.columns:
        if column not in systems.COLUMNS:
            parser.error(f"no column is called '{column}'; there are {', '.join(systems.COLUMNS)}")
    try:
        options.programs, options.boot = select(options.names)
    except KeyError as error:
        parser.error(f"no program and no class is called {error}; --list says what there is")
    return options


def rounds_of(program: Program, scale: float) -> int:
    return max(1, round(program.rounds * scale))


def run_column(column: systems.Column, options: argparse.Namespace, images: systems.Images, into: results.Results,
               progress: Progress, title: str) -> None:  # fmt: skip
    begin = time.monotonic()
    progress.at(f"{title}: starts")
    with column.start(options.build / "quire", images) as server:
        into.facts[column.name] = server.facts
        if column.boots_linux and options.boot:
            into.add(column.name, BOOT, server.boot_seconds)
        if column.name != "native":
            server.measure(WARM, WARM_PERCENT)
            server.settle()
        for program in options.programs:
            progress.at(f"{title}: {program.name}")
            measured = server.measure(program.name, rounds_of(program, options.scale))
            into.add(column.name, program.name, measured.seconds, measured.checksum)
    total = sum(found[-1] for found in into.seconds.get(column.name, {}).values())
    progress.done(f"{title}: {total:.1f} s of CPU time, {time.monotonic() - begin:.0f} s on the wall")


def run_all(options: argparse.Namespace) -> results.Results:
    progress, found = Progress(), results.Results()
    columns = []
    for name in options.columns:
        reason = systems.why_not(name)
        if reason:
            say(f"bench: the column {name} stays empty: {reason}")
        else:
            columns.append(systems.COLUMNS[name])
    with tempfile.TemporaryDirectory(prefix="quire-bench-") as folder:
        progress.at("compiles the programs and fetches Debian's kernel")
        images = systems.make_images(Path(folder))
        try:
            for repetition in range(1, options.repeat + 1):
                for column in columns:
                    run_column(column, options, images, found, progress, f"{repetition}/{options.repeat} {column.name}")
        except KeyboardInterrupt:
            say("bench: interrupted; what was measured until then:")
    linux = {name: facts for name, facts in found.facts.items() if systems.COLUMNS[name].boots_linux}
    if len(set(linux.values())) > 1:
        say(f"bench: beware, the guests do not have the same extensions: {linux}")
    return found


def about(options: argparse.Namespace) -> dict[str, object]:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "host": model,
            "cpus": os.cpu_count(), "load": os.getloadavg(), "qemu": systems.qemu_version(), "repeat": options.repeat,
            "scale": options.scale, "ram": systems.RAM, "append": systems.APPEND}  # fmt: skip


def bench(options: argparse.Namespace) -> None:
    found, facts = run_all(options), about(options)
    titles = {column.name: column.title for column in systems.COLUMNS.values()}
    print(f"host: {facts['host']}, {facts['cpus']} CPUs; {facts['qemu'] or 'no QEMU'}; CPU seconds, median of {found.repetitions()}")
    print(results.table(found, options.columns, titles))
    if options.json:
        options.json.write_text(json.dumps(results.as_json(found, facts), indent=1) + "\n")
    if options.svg:
        options.svg.write_text(picture.svg(found))


def main(words: list[str] | None = None) -> int:
    options = parse(sys.argv[1:] if words is None else words)
    if options.list:
        list_programs()
        return 0
    try:
        bench(options)
    except results.Differ as error:
        say(f"bench: {error}")
        return 1
    except (making.Missing, Failed, OSError, subprocess.CalledProcessError) as error:
        say(f"bench: {error}")
        return 3
    except KeyboardInterrupt:
        return 130
    return 0
