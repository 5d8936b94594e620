"""Tables for notebooks. A guest chooses names and texts: everything is escaped here, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

#: Rows of a long table that are shown; the rest is counted.
SHOWN_ROWS = 60


def text_of_bytes(data: bytes | str) -> str:
    """For people: what is no text is shown as \\xNN."""
    raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
    return raw.decode(errors="backslashreplace")


def name_text(name: str) -> str:
    """A name that a guest chose, on one line and without what a terminal would obey."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text_of_bytes(name))


def cell(value: Any) -> str:
    """Numbers to the right, None as nothing; a text may come from the guest."""
    if value is None:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, (int, float)):
        return f'<td style="text-align:right">{value:,}</td>'
    return f'<td style="text-align:left"><code>{escape(text_of_bytes(str(value)))}</code></td>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", total: int | None = None) -> str:
    """`total` rows there are in all, where `rows` are not all of them."""
    shown = list(rows)
    parts = ["<table>"]
    if caption:
        parts.append(f'<caption style="text-align:left">{escape(text_of_bytes(caption))}</caption>')
    if any(head):
        parts.append("<thead><tr>" + "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in head) + "</tr></thead>")
    parts.append("<tbody>" + "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in shown) + "</tbody></table>")
    if total is not None and total > len(shown):
        parts.append(f"<p>{total - len(shown):,} more rows</p>")
    return "".join(parts)


def facts(pairs: Iterable[tuple[str, Any]], caption: str = "") -> str:
    """A row a fact."""
    return table(["", ""], pairs, caption)


def walk(found: Any) -> str:
    """A quire.Walk: a row a level, and how it ended."""
    rows = [(str(step.level), f"{step.pte_address:#x}", f"{step.pte:#018x}", step.flags, f"{step.pfn:#x}") for step in found.steps]
    end = (f"{found.fault}: {found.reason}" if found.fault is not None else
           f"physical address {found.physical_address:#x}, a page of {found.page_bytes:#x} bytes")
    return table(["level", "entry at", "entry", "flags", "frame"], rows, end)


def stop(found: Any) -> str:
    """A quire.Stop."""
    return facts([("reason", found.reason), ("detail", found.detail), ("hart", str(found.hart)), ("pc", f"{found.pc:#x}"),
                  ("icount", found.icount), ("exit status", found.exit_status)], "Stop")


__all__ = ["SHOWN_ROWS", "cell", "facts", "name_text", "stop", "table", "text_of_bytes", "walk"]
