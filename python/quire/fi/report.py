"""A campaign as one page of HTML that needs nothing else: table, fault space as a picture, places, rows worth a look.

The picture: across goes the run, instruction by instruction; down go the faults in the plan's order; a dot is an
injection, in the colour of its outcome. Colours differ in lightness too, so that they are told apart without hue.
"""

from __future__ import annotations

import html
import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileError
from .outcomes import OUTCOMES, OutcomeTable
from .places import split

if TYPE_CHECKING:
    from .campaign import Campaign, Injection

_COLOURS = {"not_activated": "#d9d9d9", "masked": "#b8d8e8", "latent": "#74a9cf", "detected": "#2b8cbe", "wrong_exit": "#fdd49e",
            "sdc": "#e34a33", "signal": "#fdbb84", "neighbour": "#b30000", "panic": "#7a0177", "reboot": "#ae017e",
            "hang": "#525252", "emulator_error": "#000000"}
_WIDTH, _HEIGHT, _LEFT, _TOP = 960, 420, 90, 10
_MAX_DOTS = 40_000
_MAX_ROWS = 200
_MAX_PLACES = 80
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse}th,td{padding:.2em .7em;text-align:left;border-bottom:1px solid #ddd}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.key{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border:1px solid #8888}
.bar{display:flex;height:.9em;width:360px}.bar i{display:block;height:100%}
svg{background:#fff;border:1px solid #ccc}svg text{font:12px system-ui,sans-serif;fill:#333}
.quiet{color:#666}code{background:#f3f3f3;padding:0 .2em}
"""


def write_report(campaign: Campaign, path: Path) -> None:
    try:
        path.write_text(page(campaign), encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; check the path") from None


def page(campaign: Campaign) -> str:
    rows = [row for row in campaign if row.outcome is not None]
    name = html.escape(campaign.path.name)
    parts = [f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{name}</title><style>{_STYLE}</style>",
             f"<h1>Fault injection: {name}</h1>", f"<p>{html.escape(campaign.describe())}</p>", "<h2>Outcomes</h2>",
             _table(campaign.table())]
    if rows:
        parts += ["<h2>The fault space</h2>", _picture(campaign, rows), "<h2>By place</h2>", _by_place(rows), "<h2>Worth a look</h2>",
                  _worth_a_look(rows)]
    parts += ["<h2>What it was run on</h2>", _provenance(campaign), "</html>\n"]
    return "\n".join(parts)


def _key(outcome: str) -> str:
    return f"<span class='key' style='background:{_COLOURS[outcome]}'></span>{outcome}"


def _table(table: OutcomeTable) -> str:
    rows = "".join(f"<tr><td>{_key(row.outcome)}</td><td class='n'>{row.count}</td><td class='n'>{row.share:.2%}</td>"
                   f"<td class='n'>{row.low:.2%} .. {row.high:.2%}</td><td class='quiet'>{html.escape(OUTCOMES[row.outcome])}</td></tr>"
                   for row in table)
    errors = f", and {table.errors} emulator errors, which are not among them" if table.errors else ""
    return (f"<table><tr><th>outcome</th><th class='n'>count</th><th class='n'>share</th><th class='n'>{table.confidence:.0%} interval"
            f"</th><th></th></tr>{rows}</table><p>{table.done} of {table.planned} injections{errors}.</p>")


def _order(rows: list[Injection]) -> dict[str, int]:
    """Each fault's line in the picture: as the plan has them, which is the order of their first rows by bit and place."""
    faults = {str(row.fault): row.fault for row in rows}
    ordered = sorted(faults, key=lambda text: (_place_key(faults[text].place), faults[text].bits, text))
    return {text: line for line, text in enumerate(ordered)}


def _place_key(place: str) -> tuple[str, int, str]:
    digits = place[1:] if place[:1] in ("x", "f") else ""
    return (place[:1], int(digits), "") if digits.isdecimal() else (split(place)[0], 0, place)


def _picture(campaign: Campaign, rows: list[Injection]) -> str:
    lines = _order(rows)
    # By chance, and the same at each look: every n-th row of a whole space would leave out whole bits.
    shown = rows if len(rows) <= _MAX_DOTS else random.Random(0).sample(rows, _MAX_DOTS)
    across, down = (_WIDTH - _LEFT - 10) / max(1, campaign.length), (_HEIGHT - _TOP - 30) / max(1, len(lines))
    size = max(1.5, min(5.0, down))
    dots: dict[str, list[str]] = {}
    for row in shown:
        x, y = _LEFT + row.insns * across, _TOP + lines[str(row.fault)] * down
        dots.setdefault(row.outcome or "", []).append(f"M{x:.1f} {y:.1f}h{size:.1f}v{size:.1f}h-{size:.1f}z")
    paths = "".join(f"<path fill='{_COLOURS[outcome]}' d='{''.join(dots[outcome])}'><title>{outcome}</title></path>"
                    for outcome in OUTCOMES if outcome in dots)
    labels = "".join(f"<text x='4' y='{_TOP + line * down + 9:.0f}'>{html.escape(text)}</text>" for text, line in _labels(lines, down))
    axis = (f"<text x='{_LEFT}' y='{_HEIGHT - 8}'>instruction 0</text><text x='{_WIDTH - 10}' y='{_HEIGHT - 8}' text-anchor='end'>"
            f"{campaign.length}</text>")
    legend = " ".join(_key(outcome) for outcome in OUTCOMES if outcome in dots)
    return f"<p>{legend}</p><svg width='{_WIDTH}' height='{_HEIGHT}' role='img' aria-label='fault space'>{labels}{paths}{axis}</svg>"


def _labels(lines: dict[str, int], down: float) -> list[tuple[str, int]]:
    """The place at the first of its lines, where there is room."""
    found: list[tuple[str, int]] = []
    seen: set[str] = set()
    for text, line in lines.items():
        place = text.split()[0]
        if place not in seen and (not found or (line - found[-1][1]) * down >= 12):
            found.append((place[:13], line))
        seen.add(place)
    return found


def _by_place(rows: list[Injection]) -> str:
    places: dict[str, Counter[str]] = {}
    for row in rows:
        places.setdefault(row.fault.place or row.fault.action, Counter())[row.outcome or ""] += 1
    body = []
    for place in sorted(places, key=_place_key)[:_MAX_PLACES]:
        counts = places[place]
        total = sum(counts.values())
        bar = "".join(f"<i style='width:{counts[outcome] / total:.2%};background:{_COLOURS[outcome]}' title='{outcome}: {counts[outcome]}'></i>"
                      for outcome in OUTCOMES if counts[outcome])
        body.append(f"<tr><td><code>{html.escape(place)}</code></td><td class='n'>{total}</td><td><div class='bar'>{bar}</div></td></tr>")
    more = f"<p class='quiet'>and {len(places) - _MAX_PLACES} places more</p>" if len(places) > _MAX_PLACES else ""
    return f"<table><tr><th>place</th><th class='n'>injections</th><th>outcomes</th></tr>{''.join(body)}</table>{more}"


def _worth_a_look(rows: list[Injection]) -> str:
    """The worst first: in the order of OUTCOMES from its end."""
    severity = {outcome: number for number, outcome in enumerate(OUTCOMES)}
    bad = sorted((row for row in rows if severity[row.outcome or "masked"] > severity["latent"]),
                 key=lambda row: (-severity[row.outcome or ""], row.id))
    body = "".join(f"<tr><td class='n'>{row.id}</td><td>{_key(row.outcome or '')}</td><td><code>{html.escape(str(row.fault))}</code></td>"
                   f"<td class='n'>{row.insns}</td><td class='n'>{'' if row.returncode is None else row.returncode}</td>"
                   f"<td class='quiet'>{html.escape(row.detail or '')}</td></tr>" for row in bad[:_MAX_ROWS])
    more = f"<p class='quiet'>and {len(bad) - _MAX_ROWS} more; 'quire fi report --export' has every row</p>" if len(bad) > _MAX_ROWS else ""
    return (f"<p class='quiet'>'quire fi replay FILE ROW' shows one again.</p><table><tr><th class='n'>row</th><th>outcome</th><th>fault</th>"
            f"<th class='n'>before instruction</th><th class='n'>status</th><th></th></tr>{body}</table>{more}")


def _provenance(campaign: Campaign) -> str:
    facts = {**campaign.config, "instructions": campaign.length, "status": campaign.golden.returncode,
             "state at the end": campaign.golden.state}
    body = "".join(f"<tr><td>{html.escape(str(key))}</td><td><code>{html.escape(value if isinstance(value, str) else json.dumps(value))}</code></td></tr>"
                   for key, value in facts.items())
    return f"<table>{body}</table>"


__all__ = ["page", "write_report"]
