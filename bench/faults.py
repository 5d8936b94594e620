"""A campaign of 10,000 single-bit flips of registers on a sorting program (examples/faults/sort.c), four times: in one process, in
a pool, on Dask where python3-distributed is installed, and killed twice half-way and resumed. All must come to the same rows.

Says the table with its intervals, injections a second, and replays ten rows drawn by chance.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import quire
from quire import fi

ROOT = Path(__file__).resolve().parents[1]
REPLAYED = 10


def compile_program(folder):
    program = folder / "sort"
    subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", ROOT / "examples/faults/sort.c", "-o", program], check=True)
    return program


def plan(path, program, injections, engine):
    with quire.Machine.supervisor(seed=1, engine=engine) as machine:
        process = machine.spawn([program])
        return fi.Campaign.plan(path, machine, process, fi.Space(fi.flips("x")), samples=injections, seed=1, detected=[77])


def rows(path):
    with fi.Campaign.open(path) as campaign:
        return [(i.id, i.insns, str(i.fault), i.outcome, i.returncode, i.run_insns, i.detail) for i in campaign]


def timed(what, injections, run):
    begin = time.perf_counter()
    table = run()
    seconds = time.perf_counter() - begin
    print(f"{what:<28} {seconds:7.1f} s  {injections / seconds:7.0f} injections/s", flush=True)
    return table


def run_in_pool(path, workers):
    with fi.Campaign.open(path) as campaign, concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return campaign.run(executor=pool, workers=workers)


def run_on_dask(path, workers):
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        with fi.Campaign.open(path) as campaign:
            return campaign.run(executor=client.get_executor(), workers=workers)


def played(path):
    database = sqlite3.connect(path, timeout=30)
    try:
        return database.execute("select count(*) from plays where run_insns is not null or returncode is not null").fetchone()[0]
    finally:
        database.close()


def run_killed(path, kills=2):
    """SIGKILL after a third of what is left, twice; then to the end."""
    for kill in range(kills):
        process = subprocess.Popen([sys.executable, "-m", "quire.fi", "run", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with fi.Campaign.open(path) as campaign:
            aim = played(path) + campaign._store.plays_left() // 3
        while played(path) < aim and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with fi.Campaign.open(path) as campaign:
            print(f"  killed: {campaign._store.plays_left()} of {campaign.runs} runs left", flush=True)
            assert campaign._store.plays_left() > 0 or kill > 0
    with fi.Campaign.open(path) as campaign:
        return campaign.run()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--injections", type=int, default=10_000)
    parser.add_argument("--engine", default="", metavar="SPEC", help="auto, interp, or jit with its settings (default: auto)")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = compile_program(folder)
        files = {what: folder / f"{what}.db" for what in ("one", "pool", "dask", "killed")}
        with plan(files["one"], program, options.injections, options.engine) as campaign:
            print(campaign.describe())
            table = timed("one process", options.injections, campaign.run)
        print(table)
        expected = rows(files["one"])
        ways = {"pool": lambda path: run_in_pool(path, options.workers), "killed": run_killed}
        try:
            import distributed  # noqa: F401
        except ImportError:
            print("dask: not installed (apt-get install python3-distributed)")
        else:
            ways["dask"] = lambda path: run_on_dask(path, options.workers)
        for what, run in ways.items():
            plan(files[what], program, options.injections, options.engine).close()
            timed(f"{what} ({options.workers} workers)" if what != "killed" else what, options.injections, lambda: run(files[what]))
            assert rows(files[what]) == expected, f"{what}: other rows than in one process"
        print("the same rows every way")
        with fi.Campaign.open(files["one"]) as campaign:
            for number in random.Random(1).sample(range(1, len(campaign) + 1), REPLAYED):
                injection, again = campaign.injection(number), campaign.play_again(number)
                print(f"  row {number}: '{injection.fault}' before {injection.insns}: {injection.outcome}, again {again}")
                assert again == injection.outcome


if __name__ == "__main__":
    main()
