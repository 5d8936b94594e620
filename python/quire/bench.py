"""quire bench: hands over to the suite, bench/suite of the source tree, which compiles its programs there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# A build folder's package is made of links into the source tree; an installed one is not.
_ROOT = Path(__file__).resolve().parents[2]
_NO_TREE = 3


def main(words: list[str]) -> int:
    if not (_ROOT / "bench" / "suite" / "command.py").is_file():
        print("quire: 'quire bench' compiles its programs from Quire's source tree, and this package is installed outside of one; "
              "run './x bench suite' in the tree", file=sys.stderr)  # fmt: skip
        return _NO_TREE
    arguments = [sys.executable, "-m", "bench.suite", *words]
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.execvpe(sys.executable, arguments, dict(os.environ, PYTHONPATH=path))
