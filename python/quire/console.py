"""The guest's console: what it writes, and what is typed to it.

    m.console.expect("login: ", timeout=60)
    m.console.send("root\n")

A text that is waited for stops the machine at the instruction that wrote its last byte, so that a session that
expects and sends is the same each time, however fast the host is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _core
from .checks import count, seconds, wrong
from .errors import Error, UsageError
from .events import Condition

if TYPE_CHECKING:
    from .machine import Machine

_LOOK_INSNS = 1_000_000
_SHOWN = 200


class NotSeen(Error):
    """expect() did not see what it waited for; `stop` says how the machine ended instead."""

    def __init__(self, message: str, stop: _core.Stop) -> None:
        super().__init__(message)
        self.stop = stop

    def __reduce__(self) -> tuple[type[NotSeen], tuple[str, _core.Stop]]:
        return NotSeen, (str(self), self.stop)


class Output:
    """What the guest has written to one of its streams. Of very much, the last is kept (output_limit)."""

    __slots__ = ("_guest", "_stream")

    def __init__(self, guest: _core.Guest, stream: str) -> None:
        self._guest = guest
        self._stream = stream

    def getvalue(self) -> bytes:
        """All of it."""
        return self._guest.output(self._stream)

    def read(self) -> bytes:
        """What came since the last read()."""
        return self._guest.take_output(self._stream)

    @property
    def text(self) -> str:
        """What is kept of it, as UTF-8; what is none shows as U+FFFD."""
        return self.getvalue().decode(errors="replace")

    @property
    def dropped(self) -> int:
        """Bytes at its start that are not kept any more."""
        return self._guest.output_dropped(self._stream)

    def says(self, text: str | bytes) -> Condition:
        """That it writes this from now on: run(until=m.stdout.says("ready"))."""
        return Condition([_core.Condition.of_text(self._stream, _sought("text", text), self._guest.output_bytes(self._stream))])

    def __repr__(self) -> str:
        return f"<Output of {self._guest.output_bytes(self._stream)} bytes>"


class Console:
    """A stream that is written to and one that is read: the UART of a whole system, or a program's stdin and stdout."""

    __slots__ = ("_give", "_guest", "_machine", "_seen", "_stream")

    def __init__(self, machine: Machine, stream: str, give: Callable[[bytes], None]) -> None:
        self._machine = machine
        self._guest = machine._guest
        self._stream = stream
        self._give = give
        self._seen = 0
        machine._history.on_gone_back = self._unsee

    def _unsee(self) -> None:
        """What was read and, after going back, has not been written yet, will be news again."""
        self._seen = min(self._seen, self._guest.output_bytes(self._stream))

    def send(self, text: str | bytes) -> None:
        """Types it. The guest finds it when it runs; a line ends with "\\n"."""
        self._give(_bytes("text", text))

    def expect(self, pattern: str | bytes | re.Pattern[Any], *, timeout: float | None = 60,
               max_insns: int | None = None) -> str:
        """Runs until the guest writes it, and returns what it wrote up to there since the last expect().

        A text is seen at the instruction that wrote its end; a regular expression is looked for each million
        instructions. Raises NotSeen after `timeout` seconds of the host or `max_insns`, or when the guest ends
        or waits for input.
        """
        if isinstance(pattern, re.Pattern):
            find, term = _regex(pattern), None
        else:
            text = _sought("pattern", pattern)
            find, term = _plain(text), _core.Condition.of_text(self._stream, text, self._seen)
        patience = seconds(timeout)
        deadline = time.monotonic() + patience if patience else None
        end = None if max_insns is None else self._machine.icount + count(max_insns, "max_insns")
        while True:
            unread = self._guest.output_since(self._stream, self._seen)
            found = find(unread)
            if found is not None:
                self._seen = self._guest.output_bytes(self._stream) - len(unread) + found
                return unread[:found].decode(errors="replace")
            stop = self._run_on(term, deadline, end)
            if stop.reason not in ("until", "limit") or (stop.reason == "limit" and stop.icount == end):
                raise NotSeen(f"the guest has not written {_shown(pattern)} ({stop.reason}: {stop.detail}); "
                              f"its last words: {self._last_words()!r}", stop)

    def _run_on(self, term: _core.Condition | None, deadline: float | None, end: int | None) -> _core.Stop:
        """To the text, or for a stretch after which a pattern is looked for."""
        left = None if end is None else end - self._machine.icount
        if term is None:
            left = _LOOK_INSNS if left is None else min(left, _LOOK_INSNS)
        patience = None if deadline is None else max(deadline - time.monotonic(), 1e-6)
        until = None if term is None else Condition([term])
        return self._machine.run(until=until, max_insns=left, timeout=patience)

    def read(self) -> str:
        """What the guest wrote since the last expect() or read()."""
        unread = self._guest.output_since(self._stream, self._seen)
        self._seen = self._guest.output_bytes(self._stream)
        return unread.decode(errors="replace")

    @property
    def transcript(self) -> str:
        """All that the guest wrote, as far as it is kept (output_limit)."""
        return self._guest.output(self._stream).decode(errors="replace")

    @property
    def dropped(self) -> int:
        """Bytes of the transcript that are not kept any more."""
        return self._guest.output_dropped(self._stream)

    def says(self, text: str | bytes) -> Condition:
        """That the guest writes this from now on, for run(until=...)."""
        return Output(self._guest, self._stream).says(text)

    def _last_words(self) -> str:
        return self._guest.output(self._stream)[-_SHOWN:].decode(errors="replace")

    def __repr__(self) -> str:
        return f"<Console on {self._stream}: {self._guest.output_bytes(self._stream)} bytes written>"


def _bytes(name: str, text: Any) -> bytes:
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise wrong(name, text, "text or bytes")


def _sought(name: str, text: Any) -> bytes:
    """Refused here: a run that has begun to wait for other texts must not fail at one of them."""
    data = _bytes(name, text)
    if not data:
        raise UsageError(f"{name}={text!r}: an empty text cannot be waited for")
    return data


def _plain(text: bytes) -> Callable[[bytes], int | None]:
    def find(data: bytes) -> int | None:
        at = data.find(text)
        return None if at < 0 else at + len(text)

    return find


def _regex(pattern: re.Pattern[Any]) -> Callable[[bytes], int | None]:
    def find(data: bytes) -> int | None:
        if isinstance(pattern.pattern, bytes):
            match = pattern.search(data)
            return None if match is None else match.end()
        # Undecodable bytes keep their number, so that places agree.
        text = data.decode(errors="surrogateescape")
        found = pattern.search(text)
        return None if found is None else len(text[: found.end()].encode(errors="surrogateescape"))

    return find


def _shown(pattern: object) -> str:
    return f"/{pattern.pattern!r}/" if isinstance(pattern, re.Pattern) else repr(pattern)


__all__ = ["Console", "NotSeen", "Output"]
