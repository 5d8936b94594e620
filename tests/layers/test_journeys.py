"""docs/journeys.md names functions and the files they are in: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/journeys.md"
TEXT = re.sub(r"\s+", " ", PAGE.read_text())
NAME = r"`[A-Za-z_]\w*(?:::\w+)*`"
# "`f` (`file`)", "`f` and `g` (`file`)" and, inside a parenthesis, "`f`, `file`".
PAIRS = [
    (name, file)
    for names, file in re.findall(rf"((?:{NAME}(?: and |, | or ))*{NAME})(?: \(|, )`(guest/[\w./]+)`", TEXT)
    for name in re.findall(r"`([A-Za-z_][\w:]*)`", names)
]


def is_defined(name: str, text: str) -> bool:
    """As a definition: at a line's beginning but for its type, or a label of assembly."""
    last = name.split("::")[-1]
    qualified = re.escape(name) if "::" in name else rf"(?:\w+::)?{re.escape(last)}"
    outside = rf"^(?!\s*(?:return|if)\b)[\w\[\]:<>*&, ]*?\b{qualified}\("
    in_class = rf"^  [\w:<>*&, ]+ {re.escape(last)}\("
    label = rf"^{re.escape(last)}:"
    class_of_it = rf"^class {re.escape(last)}\b"
    return any(re.search(pattern, text, re.M) for pattern in (outside, in_class, label, class_of_it))


def test_the_page_names_functions():
    assert len(PAIRS) > 50


@pytest.mark.parametrize("name, file", PAIRS, ids=[name for name, _ in PAIRS])
def test_a_named_function_is_where_the_page_says(name, file):
    path = ROOT / file
    assert path.is_file(), f"{file} is gone"
    assert is_defined(name, path.read_text()), f"{file} has no {name}"
