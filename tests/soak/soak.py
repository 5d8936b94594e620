"""Hostile programs, failing memory and code without end: `./x soak [calls|files|allocations|code]`. `./x test soak` is a hundredth."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import allocations, generated_code, hostile_calls, hostile_files


def say(text):
    print(text, flush=True)


def soak_allocations(options, out):
    complaints = []
    # With the files by 9P the same steps fail in other places; a tenth of them is enough.
    for files, step in ((allocations.Files.IN_MEMORY, 1), (allocations.Files.BY_9P, 10)):
        failures = allocations.sequence(options.first, options.last, step * options.step)
        outcomes, wrong = allocations.fail_each(out, failures, say, files)
        complaints += wrong
        say(f"{len(failures)} runs with files {files.value}, an allocation failing in each")
        for name, count in outcomes.most_common():
            say(f"  {count:6} {name}")
    return complaints


def soak_calls(options, out):
    calls, complaints = hostile_calls.hostile_calls(out, range(1, options.seeds + 1), options.slices, say)
    say(f"{calls} random system calls")
    return complaints


def soak_files(options, out):
    executed, complaints = hostile_files.hostile_files(out, range(1, options.seeds + 1), options.files, say)
    say(f"{executed} malformed files executed")
    return complaints


def soak_code(options, out):
    outcome, complaints = generated_code.generated_code(out, generated_code.LONG, generated_code.for_seconds(options.seconds), say)
    most = max(look.memory_mib for look in outcome.looks)
    say(f"{outcome.looks[-1].made} functions generated, {outcome.engine['blocks_built']} blocks made of them, all of them given "
        f"up {outcome.engine['flushes']} times, {most:.0f} MiB at most")  # fmt: skip
    return complaints


SOAKS = {"calls": soak_calls, "files": soak_files, "allocations": soak_allocations, "code": soak_code}


def main():
    parser = argparse.ArgumentParser(prog="./x soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SOAKS)} (default: all)")
    parser.add_argument("--seeds", type=int, default=12, help="calls, files: how many runs")
    parser.add_argument("--slices", type=int, default=1400, help="calls: processes in each")
    parser.add_argument("--files", type=int, default=2000, help="files: executed in each run")
    parser.add_argument("--first", type=int, default=1, help="allocations: the first to fail")
    parser.add_argument("--last", type=int, default=2000, help="allocations: the last to fail")
    parser.add_argument("--step", type=int, default=1, help="allocations: how far apart")
    parser.add_argument("--seconds", type=float, default=600, help="code: how long")
    options = parser.parse_args()
    for name in options.names:
        if name not in SOAKS:
            parser.error(f"no soak is called '{name}'; there are {', '.join(SOAKS)}")
    complaints = []
    for name in options.names or SOAKS:
        say(f"== {name}")
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            complaints += SOAKS[name](options, Path(folder))
        say(f"{name}: {len(complaints)} complaints so far, {time.monotonic() - begin:.0f} s")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
