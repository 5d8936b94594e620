"""The TLB as architecture: miss counts by hand, and the checker that finds missing fences."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from shared import bare

import quire

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))


def build(source: str, out: Path, *defines: str) -> Path:
    script = HERE.parent / "isa" / "programs" / "link.ld"
    return bare.build(HERE / "programs" / f"{source}.S", out / f"{source}.elf", script, *defines)


def tlb_after(pattern: list[int], tlb: dict, out: Path, flags: int = 0xC7) -> quire.TlbStats:
    elf = build("tlb_pattern", out, f"-DPATTERN={','.join(map(str, pattern))}", f"-DPTE_FLAGS={flags}")
    with quire.Machine.bare(elf, ram="16M", tlb=tlb) as m:
        assert m.run(max_insns=1_000_000).exit_status == 0
        return m.mmu.tlb.stats


# Belady's reference string; five pages in turn, four times; up and down a staircase of five.
BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
CYCLE = [1, 2, 3, 4, 5] * 4
STAIRS = [1, 2, 3, 4, 5, 4, 3, 2, 1]
PATTERNS = {"belady": BELADY, "cycle": CYCLE, "stairs": STAIRS}
# (entries, ways): fully associative of 4 and of 2; direct-mapped of 4, where 1 and 5 share a set; four sets of 2.
GEOMETRIES = [(4, 4), (2, 2), (4, 1), (8, 2)]

# Counted by hand, with the TLB empty at first. lru and fifo differ where an old page is used again before it is
# replaced (belady on 4x4: lru replaces 3, then 4, 5 and 1; fifo runs into Belady's anomaly). A set with one way, or with
# room for all its pages, leaves a policy no choice.
#
# random replaces way x >> 48 modulo the ways, x from xorshift64 (13, 7, 17; seed 0x9e3779b97f4a7c15), whenever a full
# set must give one up. In fours: 3 0 3 3 3 0 2 2 2 2 0 1 0 3 1 2 0 2 2 3; in twos: 1 0 1 1 1 0 0 0 0 0 0 1 0 1 1 0 0 0 0 1.
# So belady on 4x4: 1 2 3 4 fill the ways, 5 replaces 4 in way 3, 4 replaces 1 in way 0: six misses.
MISSES = {
    ("belady", (4, 4)): {"lru": 8, "fifo": 10, "random": 6},
    ("belady", (2, 2)): {"lru": 12, "fifo": 12, "random": 11},
    ("belady", (4, 1)): {"lru": 7, "fifo": 7, "random": 7},
    ("belady", (8, 2)): {"lru": 5, "fifo": 5, "random": 5},
    ("cycle", (4, 4)): {"lru": 20, "fifo": 20, "random": 10},
    ("cycle", (2, 2)): {"lru": 20, "fifo": 20, "random": 19},
    ("cycle", (4, 1)): {"lru": 11, "fifo": 11, "random": 11},
    ("cycle", (8, 2)): {"lru": 5, "fifo": 5, "random": 5},
    ("stairs", (4, 4)): {"lru": 6, "fifo": 6, "random": 7},
    ("stairs", (2, 2)): {"lru": 8, "fifo": 8, "random": 8},
    ("stairs", (4, 1)): {"lru": 6, "fifo": 6, "random": 6},
    ("stairs", (8, 2)): {"lru": 5, "fifo": 5, "random": 5},
}


@pytest.mark.parametrize("policy", ["lru", "fifo", "random"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g[0]}x{g[1]}")
@pytest.mark.parametrize("pattern", PATTERNS)
def test_misses_are_those_counted_by_hand(pattern, geometry, policy, tmp_path):
    entries, ways = geometry
    stats = tlb_after(PATTERNS[pattern], {"entries": entries, "ways": ways, "policy": policy}, tmp_path)
    expected = MISSES[pattern, geometry][policy]
    accesses = len(PATTERNS[pattern])
    assert stats.misses == expected
    assert stats.hits == accesses - expected
    assert stats.misses_by_access == {"r": expected, "w": 0, "x": 0}
    assert stats.walks == expected and stats.pte_reads == 3 * expected
    sets_filled = len({page % (entries // ways) for page in PATTERNS[pattern]})
    assert stats.evictions >= expected - sets_filled * ways


def test_a_store_walks_once_more_to_set_dirty(tmp_path):
    pattern = [1, 0x81, 0x81, 0x82, 2]
    clean = tlb_after(pattern, {"entries": 4, "ways": 4, "policy": "lru"}, tmp_path, flags=0x47)
    # load 1 misses; the store hits and walks for D; then hits; the store to 2 misses and sets D at once.
    assert (clean.misses, clean.hits, clean.walks) == (2, 3, 3)
    assert clean.hits_by_access == {"r": 1, "w": 2, "x": 0}
    assert clean.misses_by_access == {"r": 1, "w": 1, "x": 0}
    dirty = tlb_after(pattern, {"entries": 4, "ways": 4, "policy": "lru"}, tmp_path)
    assert (dirty.misses, dirty.hits, dirty.walks) == (2, 3, 2)


def check_fences(elf: Path) -> tuple[dict, str]:
    report = elf.with_suffix(".json")
    command = [BUILD / "quire", "bare", "--ram", "16M", "--check-fences", f"--json={report}", elf]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0
    return json.loads(report.read_text())["fences"], result.stderr


def symbol(elf: Path, name: str) -> int:
    with quire.Machine.bare(elf, ram="16M") as m:
        return m.symbol(name)


def test_a_missing_fence_is_found_with_pc_and_address(tmp_path):
    elf = build("missing_fence", tmp_path, "-DFENCE=")
    fences, text = check_fences(elf)
    expected = [("remapped", "use_remapped", "r", 0x4000_0000), ("permission", "use_read_only", "w", 0x4000_0008),
                ("dirty-cleared", "use_clean", "w", 0x4000_0008), ("unmapped", "use_unmapped", "r", 0x4000_0000)]  # fmt: skip
    found = [(f["kind"], f["pc"], f["access"], f["va"]) for f in fences["findings"]]
    assert found == [(kind, symbol(elf, name), access, va) for kind, name, access, va in expected]
    assert f"load of 0x40000000 at pc {symbol(elf, 'use_remapped'):#x}" in text
    assert "4 stale uses (4 findings)" in text


def test_the_same_program_with_its_fences_is_clean(tmp_path):
    fences, text = check_fences(build("missing_fence", tmp_path, "-DFENCE=sfence.vma"))
    assert fences["findings"] == [] and fences["stale_uses"] == 0
    # More permission without a fence costs a fault at most.
    assert fences["spurious_faults"] == 1
    assert fences["hits_checked"] > 5
    assert "0 stale uses (0 findings)" in text


def test_the_checker_changes_nothing_that_the_guest_sees(tmp_path):
    elf = build("missing_fence", tmp_path, "-DFENCE=")
    digests = []
    for check in ("off", "fences"):
        with quire.Machine.bare(elf, ram="16M", tlb={"check": check}) as m:
            m.run(max_insns=100_000)
            assert m.mmu.tlb.fences.enabled == (check == "fences")
            digests.append(m.digest)
    assert digests[0] == digests[1]
    assert m.config["tlb"]["check"] == "fences"
