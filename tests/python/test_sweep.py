"""quire.sweep(): a table of runs, the same from one process and from a pool."""

import csv
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
import quire

WALKER = r"""
#include <stdlib.h>
int main(int argc, char **argv) {
  int pages = atoi(argv[1]);
  volatile char *at = malloc(pages * 4096L);
  for (int round = 0; round < 20; round++)
    for (int i = 0; i < pages; i++) at[i * 4096L]++;
  return 0;
}
"""
TLBS = ["entries=16,ways=16,policy=lru", {"entries": 128, "ways": 128, "policy": "lru"}]


@pytest.fixture(scope="module")
def walker(compile_c):
    return compile_c(WALKER)


def test_every_combination_in_order(walker, tmp_path):
    table = quire.sweep(walker, "64", tlb=TLBS, seeds=range(2))
    assert [(row["tlb"], row["seed"]) for row in table] == [
        (tlb, seed) for tlb in ("entries=16,ways=16,policy=lru", "entries=128,ways=128,policy=lru") for seed in (0, 1)]
    small, large = table[0], table[2]
    assert small["tlb_misses"] > 20 * 64 > large["tlb_misses"] and small["tlb_hits"] > 0
    assert set(table["returncode"]) == {0} and len(table) == 4
    direct = quire.run(walker, "64", tlb=TLBS[0])
    assert (small["icount"], small["digest"]) == (direct.stats.icount, direct.digest)
    assert list(table.to_dict()) == table.columns and "<td>" in table._repr_html_()
    table.write_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{name: str(value) for name, value in row.items()} for row in table]


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn"))])
def test_the_same_from_a_pool(make, walker):
    with make() as pool:
        assert quire.sweep(walker, "8", tlb=TLBS, seeds=range(2), executor=pool).rows == quire.sweep(walker, "8", tlb=TLBS, seeds=range(2)).rows


def test_a_run_that_fails_is_an_exception(tmp_path):
    with pytest.raises(quire.FileError, match="none"):
        quire.sweep(tmp_path / "none", seeds=[1, 2])


@pytest.mark.parametrize(("settings", "part"), [
    ({"colour": ["red"]}, "'colour'"), ({"tlb": []}, "nothing in it"), ({"seeds": 3}, "range"), ({"seeds": ["x"]}, "seed='x'"),
    ({"executor": 3}, "Executor"), ({"tlb": [7]}, "tlb=7")])
def test_misuse(settings, part, walker):
    with pytest.raises(quire.UsageError, match=part):
        quire.sweep(walker, "8", **settings)
