"""How many TLB misses a program has, by the size of the TLB: one sweep, one curve.

    build/python examples/tlb_curve.py PROGRAM [ARGS...]

Runs repeat exactly, so each point needs one run. Workers share the runs.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import quire

SIZES = [8, 16, 32, 64, 128, 256]


def main(words):
    if not words:
        sys.exit(__doc__.strip())
    tlbs = [{"entries": size, "ways": size, "policy": "lru"} for size in SIZES]
    with ThreadPoolExecutor() as pool:
        table = quire.sweep(words[0], *words[1:], tlb=tlbs, executor=pool)
    most = max(table["tlb_misses"])
    print(f"{'entries':>8} {'misses':>10} {'of accesses':>12}")
    for size, row in zip(SIZES, table, strict=True):
        share = row["tlb_misses"] / (row["tlb_hits"] + row["tlb_misses"])
        print(f"{size:8} {row['tlb_misses']:10} {share:12.4%} {'#' * round(40 * row['tlb_misses'] / most)}")


if __name__ == "__main__":
    main(sys.argv[1:])
