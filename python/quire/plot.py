"""Pictures of what was recorded and of what is in memory, with matplotlib, which is imported when one is drawn.

    quire.plot.address_space(p)
    quire.plot.fault_timeline(m.record("page_fault"))

Each draws into `ax`, by default into a new figure, and returns the Axes: `.figure.savefig("picture.png")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from typing import Any

from .errors import UsageError, optional
from .events import FAULT_KINDS, Recording
from .html import name_text
from .introspection import Vma
from .process import Process
from .sweeping import SweepTable

Axes = Any

_PAGE = 4096
#: One colour for one meaning, in every picture; told apart by people who do not see all colours (Okabe and Ito's set).
_KIND_COLOURS = {"anonymous": "#56b4e9", "file": "#009e73", "heap": "#e69f00", "stack": "#d55e00", "device": "#cc79a7", "special": "#999999"}
_FAULT_COLOURS = {"zero_page": "#bbbbbb", "anon": "#56b4e9", "file_minor": "#009e73", "file_major": "#f0e442", "cow_copy": "#d55e00",
                  "cow_reuse": "#e69f00", "mkwrite": "#cc79a7"}
_OTHER_COLOUR = "#000000"
_NAME_LETTERS = 34


def _axes(ax: Axes, what: str, width: float, height: float) -> Axes:
    if ax is not None:
        if not hasattr(ax, "plot"):
            raise UsageError(f"ax={ax!r} is nothing to draw into; give matplotlib Axes, or leave it out for a new figure")
        return ax
    pyplot = optional("matplotlib.pyplot", what)
    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def _short(name: str) -> str:
    """The end of a path says most."""
    # matplotlib takes what stands between dollars for a formula.
    text = name_text(name).replace("$", r"\$")
    return text if len(text) <= _NAME_LETTERS else "..." + text[-_NAME_LETTERS + 3:]


def _recorded(recording: Any, what: str, *events: str) -> list[str]:
    """Which of `events` the recording has; UsageError when it is none, or has nothing of them."""
    if not isinstance(recording, Recording):
        raise UsageError(f"{what} takes a recording, as m.record({events[0]!r}) gives it, not {type(recording).__name__}")
    found = [event for event in events if event in recording.events]
    if not found:
        raise UsageError(f"{what}: the recording has no {' or '.join(events)}, but {', '.join(recording.events)}; record({events[0]!r})")
    return found


def _kib(bytes_: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if bytes_ >= size:
            return f"{bytes_ / size:.4g} {unit}"
    return f"{bytes_ // 1024} KiB"


def address_space(process: Process, ax: Axes = None) -> Axes:
    """The areas of a process from the lowest address up, and which pages of each are there.

    Heights follow the logarithm of the size, so that a page is seen beside a gigabyte; gaps are narrow. Within an area, pages that
    are there are filled, dirty ones darkly, from its start at the left to its end at the right.
    """
    if not isinstance(process, Process):
        raise UsageError(f"address_space() takes a process, as m.spawn() gives it, not {type(process).__name__}")
    vmas = process.vmas
    if not vmas:
        raise UsageError(f"process {process.pid} has no areas to draw")
    there = [(leaf.va, leaf.bytes, "d" in leaf.flags) for leaf in process.mappings]
    ax = _axes(ax, "plot.address_space()", 8, 1 + 0.36 * len(vmas))
    bottom = 0.0
    for number, area in enumerate(vmas):
        if number and (gap := area.start - vmas[number - 1].end):
            bottom = _draw_gap(ax, bottom, gap)
        bottom = _draw_area(ax, bottom, area, there)
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.06, bottom + 0.06)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    title = f"{name_text(process.name)} (process {process.pid}): {_kib(sum(area.bytes for area in vmas))} mapped, {_kib(sum(size for _, size, _ in there))} there"
    ax.set_title(title.replace("$", r"\$"), loc="left", fontsize=10)
    kinds = [kind for kind in _KIND_COLOURS if any(area.kind == kind for area in vmas)]
    patches = optional("matplotlib.patches", "plot.address_space()")
    handles = [patches.Patch(color=_KIND_COLOURS[kind], label=kind) for kind in kinds]
    handles += [patches.Patch(color="#555555", label="written"), patches.Patch(color="#555555", alpha=_CLEAN_ALPHA, label="only read")]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.01), fontsize=8, frameon=False, ncols=len(handles), columnspacing=1.2)
    return ax


_CLEAN_ALPHA = 0.45
_LEFT, _RIGHT = 0.17, 0.55  # of an area's box; addresses stand left of it, names right


def _draw_area(ax: Axes, bottom: float, area: Vma, there: Sequence[tuple[int, int, bool]]) -> float:
    """Returns where the next thing begins."""
    height = 1 + 0.12 * log2(max(area.pages, 1))
    width = _RIGHT - _LEFT
    colour = _KIND_COLOURS[area.kind]
    ax.broken_barh([(_LEFT, width)], (bottom, height), facecolors="white", edgecolors="none")
    for dirty, alpha in ((False, _CLEAN_ALPHA), (True, 1.0)):
        spans = _joined([(va, size) for va, size, written in there if written == dirty and va in area])
        scaled = [(_LEFT + width * (va - area.start) / area.bytes, width * size / area.bytes) for va, size in spans]
        ax.broken_barh(scaled, (bottom, height), facecolors=colour, alpha=alpha, linewidth=0, label="_pages")
    ax.broken_barh([(_LEFT, width)], (bottom, height), facecolors="none", edgecolors="#444444", linewidth=0.7)
    middle = bottom + height / 2
    style: dict[str, Any] = {"fontsize": 7.5, "family": "monospace", "va": "center"}
    ax.text(_LEFT - 0.01, middle, f"{area.start:#x}", ha="right", **style)
    ax.text(_RIGHT + 0.01, middle, f"{area.permissions} {_kib(area.bytes):>9} {_short(area.name)}", ha="left", **style)
    return bottom + height


def _draw_gap(ax: Axes, bottom: float, gap: int) -> float:
    height = 0.7
    ax.text((_LEFT + _RIGHT) / 2, bottom + height / 2, f"{_kib(gap)} free", ha="center", va="center", fontsize=6.5, color="#777777")
    return bottom + height


def _joined(pages: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours as one: (start, bytes)."""
    spans: list[tuple[int, int]] = []
    for va, size in pages:
        if spans and spans[-1][0] + spans[-1][1] == va:
            spans[-1] = (spans[-1][0], spans[-1][1] + size)
        else:
            spans.append((va, size))
    return spans


def fault_timeline(recording: Recording, ax: Axes = None) -> Axes:
    """Page faults over time: when, at which page, and how each was answered.

    Pages that were never touched take no room: the axis numbers those that were, by address.
    """
    _recorded(recording, "fault_timeline()", "page_fault")
    faults = [e for e in recording if e.event == "page_fault"]
    if not faults:
        raise UsageError("fault_timeline(): no page fault was recorded; run the machine, or drop filters")
    ax = _axes(ax, "plot.fault_timeline()", 8, 4.2)
    place = {page: number for number, page in enumerate(sorted({e.va // _PAGE for e in faults}))}
    for kind in [*FAULT_KINDS, *{str(e.kind) for e in faults} - set(FAULT_KINDS)]:
        points = [(e.icount / 1e6, place[e.va // _PAGE]) for e in faults if e.kind == kind]
        if points:
            ax.scatter([x for x, _ in points], [y for _, y in points], s=10, linewidths=0, color=_FAULT_COLOURS.get(kind, _OTHER_COLOUR),
                       label=f"{kind.replace('_', ' ')} ({len(points):,})")
    ax.set_xlabel("million instructions")
    ax.set_ylabel("page touched, by address")
    ax.set_title(f"{len(faults):,} page faults on {len(place):,} pages", loc="left", fontsize=10)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False, markerscale=2)
    return ax


def tlb_misses(table: SweepTable | Iterable[tuple[int, int]], ax: Axes = None, *, label: str = "") -> Axes:
    """TLB misses over the number of entries: of a quire.sweep(tlb=[...]), or of pairs (entries, misses).

    Several runs of one size (seeds) give their mean, and the range between them. Draw another program into the same `ax`.
    """
    by_size: dict[int, list[int]] = {}
    for entries, misses in _tlb_pairs(table):
        by_size.setdefault(entries, []).append(misses)
    if not by_size:
        raise UsageError("tlb_misses(): there is nothing to draw")
    ax = _axes(ax, "plot.tlb_misses()", 6.4, 4)
    sizes = sorted(by_size)
    line = ax.plot(sizes, [sum(by_size[size]) / len(by_size[size]) for size in sizes], marker="o", markersize=4, label=label or "_misses")[0]
    if any(len(misses) > 1 for misses in by_size.values()):
        ax.fill_between(sizes, [min(by_size[size]) for size in sizes], [max(by_size[size]) for size in sizes], alpha=0.25, color=line.get_color(), linewidth=0)
    if min(sizes) > 0:
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.set_xlabel("entries of the TLB")
    ax.set_ylabel("misses")
    ax.yaxis.set_major_formatter(optional("matplotlib.ticker", "plot").StrMethodFormatter("{x:,.0f}"))
    ax.set_title("TLB misses by size", loc="left", fontsize=10)
    ax.grid(axis="y", alpha=0.3)
    if label:
        ax.legend(frameon=False)
    return ax


def _tlb_pairs(table: Any) -> list[tuple[int, int]]:
    if not isinstance(table, SweepTable):
        try:
            return [(int(entries), int(misses)) for entries, misses in table]
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"tlb_misses() takes a table of quire.sweep(), or pairs (entries, misses), not {type(table).__name__}") from None
    if "tlb" not in table.columns:
        raise UsageError("tlb_misses(): the sweep did not vary the TLB; give tlb=[\"entries=16\", \"entries=64\"]")
    return [(_entries(row["tlb"]), row["tlb_misses"]) for row in table]


def _entries(tlb: Any) -> int:
    for part in str(tlb or "").split(","):
        name, _, value = part.partition("=")
        if name.strip() == "entries" and value.strip().isdigit():
            return int(value)
    raise UsageError(f"tlb_misses(): the setting {tlb!r} names no number of entries; write entries=N in each")


def page_sharing(processes: Iterable[Process], ax: Axes = None) -> Axes:
    """Which frames several processes map: a row a process, a column a frame, coloured by how many of these processes map it.

    Frames that only one maps stand left, those that all map right.
    """
    if not isinstance(processes, Iterable) and not isinstance(processes, Process):
        raise UsageError(f"page_sharing() takes processes, not {type(processes).__name__}; [m.process(2), m.process(3)], or m.processes.values()")
    given: list[Any] = [processes] if isinstance(processes, Process) else [*processes]
    for one in given:
        if not isinstance(one, Process):
            raise UsageError(f"page_sharing() takes processes, not {type(one).__name__}; [m.process(2), m.process(3)], or m.processes.values()")
    alive = [process for process in given if process.returncode is None]
    if not alive:
        raise UsageError("page_sharing(): none of these processes is alive, so none maps anything")
    mapped = [{leaf.pfn + i for leaf in process.mappings for i in range(leaf.bytes // _PAGE)} for process in alive]
    holders = {frame: tuple(frame in frames for frames in mapped) for frame in set().union(*mapped)}
    if not holders:
        raise UsageError("page_sharing(): these processes map no page yet")
    sharing = {frame: sum(held) for frame, held in holders.items()}
    order = sorted(holders, key=lambda frame: (sharing[frame], [not held for held in holders[frame]], frame))
    rows = [[sharing[frame] if frame in frames else 0 for frame in order] for frames in mapped]
    ax = _axes(ax, "plot.page_sharing()", 8, 1.3 + 0.45 * len(alive))
    colours = ["#ffffff", "#bcd7ea", *_shades(len(alive) - 1)]
    colormap = optional("matplotlib.colors", "plot").ListedColormap(colours)
    ax.imshow(rows, aspect="auto", interpolation="nearest", cmap=colormap, vmin=-0.5, vmax=len(colours) - 0.5)
    ax.set_yticks(range(len(alive)), [f"{name_text(process.name)} ({process.pid})".replace("$", r"\$") for process in alive])
    ax.set_yticks([number - 0.5 for number in range(1, len(alive))], minor=True)
    ax.grid(which="minor", axis="y", color="#444444", linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    ax.set_xlabel("frames")
    shared = sum(number > 1 for number in sharing.values())
    ax.set_title(f"{len(holders):,} frames, of which {shared:,} are shared", loc="left", fontsize=10)
    handles = {f"mapped by {number}": colours[number] for number in sorted(set(sharing.values()))}
    patches = optional("matplotlib.patches", "plot")
    ax.legend(handles=[patches.Patch(facecolor=colour, edgecolor="#888888", label=name) for name, colour in handles.items()],
              loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False)
    return ax


def _shades(count: int) -> list[str]:
    """From orange to dark red: the more share, the darker."""
    first, last = (0xE6, 0x9F, 0x00), (0x8B, 0x1A, 0x1A)
    steps = [number / max(count - 1, 1) for number in range(count)]
    return ["#" + "".join(f"{round(a + (b - a) * step):02x}" for a, b in zip(first, last, strict=True)) for step in steps]


def working_set(recording: Recording, window: int = 100_000, ax: Axes = None) -> Axes:
    """How many different pages were touched in each `window` of instructions: of a recording of mem_access, mem_read or mem_write.

    Record one process (pid=p), or addresses of user space (lo=0, hi=1 << 38), for the supervisor's own accesses are recorded as well.
    """
    events = _recorded(recording, "working_set()", "mem_read", "mem_write")
    if not isinstance(window, int) or window <= 0:
        raise UsageError(f"window={window!r} is not a number of instructions above 0")
    touched: dict[int, set[int]] = {}
    for event in events:
        for icount, va in _places(recording, event):
            touched.setdefault(icount // window, set()).add(va // _PAGE)
    if not touched:
        raise UsageError("working_set(): no access was recorded; run the machine, or drop filters")
    ax = _axes(ax, "plot.working_set()", 8, 3.6)
    first, last = min(touched), max(touched)
    sizes = [len(touched.get(number, ())) for number in range(first, last + 1)]
    edges = [number * window / 1e6 for number in range(first, last + 2)]
    ax.stairs(sizes, edges, fill=True, alpha=0.35, color="#0072b2")
    ax.stairs(sizes, edges, color="#0072b2", linewidth=1.2)
    ax.set_xlabel("million instructions")
    ax.set_ylabel("pages")
    ax.set_ylim(bottom=0)
    pages = len(set().union(*touched.values()))
    ax.set_title(f"working set: pages touched in {window:,} instructions, {pages:,} in all", loc="left", fontsize=10)
    return ax


def _places(recording: Recording, event: str) -> Iterable[tuple[int, int]]:
    """(icount, va); whole recordings without an object an event."""
    if recording._rows is None:
        return zip(recording.column(event, "icount"), recording.column(event, "va"), strict=True)
    chosen = recording.filter(event)
    return zip(chosen["icount"], chosen["va"], strict=True)


__all__ = ["address_space", "fault_timeline", "page_sharing", "tlb_misses", "working_set"]
