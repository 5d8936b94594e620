#!/usr/bin/env python3
"""What translation costs where little is run often: cold starts on the supervisor, and Linux's boot by the size of code memory.

CPU seconds (user and system) of the whole `quire` process, the median of --repeat runs; each run starts with nothing
translated. The boot ends at init's first word; what code memory held then, and how often all of it was given up, is of
the whole run, which ends at once behind it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QUIRE_CACHE_DIR", str(ROOT / ".cache"))

from bench.run import cpu_seconds  # noqa: E402
from bench.suite import making, serving, systems  # noqa: E402
from tests.boot import debian  # noqa: E402
from tests.debian import trees  # noqa: E402

ENGINES = ("interp", "jit", "jit,threshold=1", "jit,threshold=64")
CODE_MIB = (16, 64, 256)


def cold_starts(quire, repeat):
    starts = {
        "busybox true (static)": ["--file", f"{debian.busybox()}:/bin/true", debian.busybox(), "true"],
        "/usr/bin/true (dynamic)": ["--root", trees.debian_tree("git"), "/usr/bin/true"],
    }
    for name, words in starts.items():
        for engine in ENGINES:
            spent = [cpu_seconds([str(word) for word in (quire, "run", "--engine", engine, *words)]) for _ in range(repeat)]
            yield name, engine, spent


def boots(quire, repeat, out):
    riscv = making.compile_suite(making.RISCV, out)
    initrd, report = out / "initrd", out / "report.json"
    initrd.write_bytes(making.initial_ram_disk(riscv))
    for mib in CODE_MIB:
        spent = []
        for _ in range(repeat):
            command = [quire, "boot", "--engine", f"jit,code={mib}M", "--ram", systems.RAM, f"--json={report}",
                       "--kernel", debian.kernel(), "--initrd", initrd, "--append", systems.APPEND]  # fmt: skip
            with serving.Server("boot", command) as server:
                spent.append(server.boot_seconds)
        yield mib, spent, json.loads(report.read_text())["engine"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    quire, figures = options.build / "quire", {"starts": [], "boots": []}
    print(f"{'cold start':26} {'engine':18} {'CPU s':>7}  (spread)")
    for name, engine, spent in cold_starts(quire, options.repeat):
        print(f"{name:26} {engine:18} {statistics.median(spent):7.3f}  ({min(spent):.3f}-{max(spent):.3f})", flush=True)
        figures["starts"].append({"program": name, "engine": engine, "seconds": spent})
    print(f"\n{'boot, code memory':18} {'CPU s':>7}  {'(spread)':15} {'blocks':>8} {'flushes':>8} {'code MiB':>9} {'tables MiB':>11}")
    with tempfile.TemporaryDirectory(prefix="quire-bench-") as folder:
        for mib, spent, engine in boots(quire, options.repeat, Path(folder)):
            spread = f"({min(spent):.3f}-{max(spent):.3f})"
            print(f"{f'{mib} MiB':18} {statistics.median(spent):7.3f}  {spread:15} {engine['blocks_built']:8} {engine['flushes']:8} "
                  f"{engine['code_bytes'] / 2**20:9.1f} {engine['table_bytes'] / 2**20:11.1f}", flush=True)  # fmt: skip
            figures["boots"].append({"code_mib": mib, "seconds": spent, "engine": engine})
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
