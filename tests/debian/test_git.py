"""Debian's git on the supervisor, beside this machine's git: commits named by digests leave no room for a difference."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .trees import SCRIPTS, debian_tree, on_supervisor

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A User"), ("EMAIL", "user@example.org"), ("DATE", "1767225600 +0000"))
} | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}  # fmt: skip


def git(folder, *words):
    return subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True,
                          env={**os.environ, **IDENTITY}).stdout  # fmt: skip


@pytest.mark.parametrize("where", ["/tmp", "/mnt"], ids=["tmpfs", "share"])
def test_the_same_history_as_the_hosts_git_makes(where, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    shutil.copy(SCRIPTS / "git.sh", ours)
    environment = [f"--env={name}={value}" for name, value in IDENTITY.items()]
    script = f"cd {where}; bash /mnt/git.sh > log || exit; [ {where} = /mnt ] || cp -a log repository clone /mnt"
    done = on_supervisor(debian_tree("git"), ["/bin/bash", "-c", script], f"--share={ours}:/mnt:rw", *environment)
    assert (done.status, done.stderr, done.stdout) == (0, b"", b"")
    with (theirs / "log").open("w") as log:
        subprocess.run(["bash", SCRIPTS / "git.sh"], cwd=theirs, stdout=log, check=True,
                       env={**os.environ, **IDENTITY, "LC_ALL": "C"})  # fmt: skip
    assert (ours / "log").read_text() == (theirs / "log").read_text()
    for repository in ("repository", "clone"):
        owned_here = ("-c", f"safe.directory={ours / repository}")
        assert git(ours / repository, *owned_here, "fsck", "--full", "--strict") == ""
        assert git(ours / repository, *owned_here, "rev-list", "--all", "--objects") == git(theirs / repository, "rev-list", "--all", "--objects")
        assert git(ours / repository, *owned_here, "status", "--porcelain") == ""
    packs = list(Path(ours, "repository/.git/objects/pack").glob("*.pack"))
    assert len(packs) == 1
