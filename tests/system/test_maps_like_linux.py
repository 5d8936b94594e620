"""smaps of some programs are Linux's, field by field (`./x maps` compares many more)."""

from . import maps

SUBJECTS = ["anonymous-static", "heap-dynamic", "files-dynamic", "threads-dynamic", "forked-dynamic", "shared-static", "deep-static",
            "cat", "sed", "bash"]  # fmt: skip


def test_smaps_are_those_of_linux_on_the_same_board(tmp_path):
    known = {subject.name: subject for subject in maps.subjects()}
    assert maps.compare([known[name] for name in SUBJECTS], tmp_path)
