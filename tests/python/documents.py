"""Pages of the documentation as programs: what their fenced blocks say, and the files that they speak of."""

import doctest
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs" / "python").rglob("*.md"), ROOT / "README.md"])

_FENCE = re.compile(r"^```(\w+)( extra)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_C_NAME = re.compile(r"// (\w+)\.c\n")


@dataclass(frozen=True)
class Block:
    language: str  #: python, pycon, c, sh ...
    extra: bool  #: it needs packages that come from PyPI
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [Block(match[1], bool(match[2]), match[3], text.count("\n", 0, match.start(3)) + 1) for match in _FENCE.finditer(text)]


def build_programs(page: Path, folder: Path) -> None:
    """Each block of C that begins with its file's name becomes the program of that name."""
    for block in blocks(page):
        named = _C_NAME.match(block.text) if block.language == "c" else None
        if named:
            source = folder / f"{named[1]}.c"
            source.write_text(block.text)
            level = "-O2" if "-O2" in page.read_text() else "-O0" if "-O0" in page.read_text() else "-O1"
            subprocess.run(["riscv64-linux-gnu-gcc", level, "-static", source, "-o", folder / named[1]], check=True)


def run_page(page: Path, *, extra: bool) -> int:
    """Runs its Python, block by block, in one namespace; how many blocks that were."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    ran = 0
    for block in blocks(page):
        if block.extra and not extra:
            continue
        if block.language == "python":
            # Numbered as in the page, so that a traceback leads there.
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)
            ran += 1
        elif block.language == "pycon":
            _run_session(page, block, namespace)
            ran += 1
    return ran


def _run_session(page: Path, block: Block, namespace: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, namespace, page.name, str(page), block.line - 1)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    said: list[str] = []
    runner.run(test, out=said.append, clear_globs=False)
    namespace.update(test.globs)
    assert runner.failures == 0, "".join(said)
