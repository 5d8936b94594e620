"""A recording as a Perfetto trace: the protobuf messages that ui.perfetto.dev and its trace processor read.

Of the public schema (perfetto/trace/trace.proto) what the slices and instants of trace_file.py need: a track a process for its
system calls and instants, one for the stretches in which it ran. One instruction is one nanosecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .events import Event
from .trace_file import NS_PER_US, trace_events

# Numbers of fields, by message.
_TRACE_PACKET = 1
_PACKET_TIMESTAMP, _PACKET_SEQUENCE, _PACKET_TRACK_EVENT, _PACKET_FLAGS, _PACKET_TRACK = 8, 10, 11, 13, 60
_TRACK_UUID, _TRACK_NAME, _TRACK_PROCESS, _TRACK_PARENT = 1, 2, 3, 5
_PROCESS_PID, _PROCESS_NAME = 1, 6
_EVENT_ANNOTATION, _EVENT_TYPE, _EVENT_TRACK, _EVENT_CATEGORY, _EVENT_NAME = 4, 9, 11, 22, 23
_ANNOTATION_INT, _ANNOTATION_STRING, _ANNOTATION_NAME = 4, 6, 10
_SLICE_BEGIN, _SLICE_END, _INSTANT = 1, 2, 3
_STATE_CLEARED = 1

_SEQUENCE = 1  # all packets are of one
_RUNNING = 1  # added to the uuid of a process' track


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & (1 << 64) - 1)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _packet(body: bytes, at_ns: int | None = None, flags: int = 0) -> bytes:
    head = b"" if at_ns is None else _number(_PACKET_TIMESTAMP, at_ns)
    if flags:
        head += _number(_PACKET_FLAGS, flags)
    return _bytes(_TRACE_PACKET, head + _number(_PACKET_SEQUENCE, _SEQUENCE) + body)


def _uuid(pid: int) -> int:
    return (pid + 1) << 8


def _tracks(pid: int, name: str) -> Iterator[bytes]:
    process = _number(_PROCESS_PID, pid) + _bytes(_PROCESS_NAME, name)
    yield _packet(_bytes(_PACKET_TRACK, _number(_TRACK_UUID, _uuid(pid)) + _bytes(_TRACK_NAME, name) + _bytes(_TRACK_PROCESS, process)))
    yield _packet(_bytes(_PACKET_TRACK, _number(_TRACK_UUID, _uuid(pid) + _RUNNING) + _bytes(_TRACK_NAME, "running")
                         + _number(_TRACK_PARENT, _uuid(pid))))


def _annotations(values: dict[str, Any]) -> bytes:
    out = b""
    for name, value in values.items():
        shown = _number(_ANNOTATION_INT, value) if isinstance(value, int) else _bytes(_ANNOTATION_STRING, str(value))
        out += _bytes(_EVENT_ANNOTATION, _bytes(_ANNOTATION_NAME, name) + shown)
    return out


def _event(kind: int, at_ns: int, track: int, told: dict[str, Any] | None) -> bytes:
    body = _number(_EVENT_TYPE, kind) + _number(_EVENT_TRACK, track)
    if told is not None:
        category = "running" if track & 0xFF else "syscall" if kind == _SLICE_BEGIN else "event"
        body += _bytes(_EVENT_CATEGORY, category) + _bytes(_EVENT_NAME, told["name"]) + _annotations(told["args"])
    return _packet(_bytes(_PACKET_TRACK_EVENT, body), at_ns)


def perfetto_trace(events: Iterable[Event]) -> bytes:
    """The whole file. Packets are in the order of their times; of one time, a slice ends before another begins."""
    names: dict[int, str] = {}
    packets: list[tuple[int, int, bytes]] = []
    for told in trace_events(events):
        pid = told["pid"]
        if told["ph"] == "M":
            names[pid] = told["args"]["name"]
            continue
        names.setdefault(pid, f"process {pid}" if pid else "supervisor")
        begin = round(told["ts"] * NS_PER_US)
        if told["ph"] == "i":
            packets.append((begin, _INSTANT, _event(_INSTANT, begin, _uuid(pid), told)))
            continue
        track = _uuid(pid) + (_RUNNING if told["name"] == "running" else 0)
        end = begin + round(told["dur"] * NS_PER_US)
        packets.append((begin, _SLICE_BEGIN, _event(_SLICE_BEGIN, begin, track, told)))
        # One that takes no time ends after it has begun, and not before.
        packets.append((end, 0 if end > begin else _SLICE_END, _event(_SLICE_END, end, track, None)))
    packets.sort(key=lambda packet: packet[:2])
    head = _packet(b"", flags=_STATE_CLEARED)
    return b"".join([head, *(track for pid, name in names.items() for track in _tracks(pid, name)), *(packet[2] for packet in packets)])


__all__ = ["perfetto_trace"]
