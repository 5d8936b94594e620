"""Devices of your own on a machine's board: registers, an interrupt line, DMA and timers, in Python.

A device is called in the middle of an instruction. It acts through what it is given and knows nothing of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from . import _core
from .checks import count, wrong
from .errors import UsageError
from .memory import Memory

_BYTES = "__bytes__"  # what bytes are under in a state


class IrqLine:
    """The interrupt line of a device: level-triggered, an input of the PLIC."""

    __slots__ = ("_device",)

    def __init__(self, device: Device) -> None:
        self._device = device

    @property
    def number(self) -> int:
        """Its source at the PLIC."""
        return self._device._connection.irq

    @property
    def level(self) -> bool:
        """Whether it is asserted."""
        return self._device._connection.level

    def set(self, asserted: bool) -> None:
        """Asserts it, until it is set to False: a level that stays makes an interrupt again after each completion."""
        self._device._connection.set_level(bool(asserted))

    def __repr__(self) -> str:
        return f"<interrupt {self.number}, {'asserted' if self.level else 'not asserted'}>"


class Device:
    """The base of a device in Python: override read() and write(), and what else it needs.

        class Counter(quire.Device):
            compatible = "example,counter"

            def reset(self):
                self.value = 0

            def read(self, offset, size):
                return self.value & 0xFFFFFFFF if offset == 0 else 0

            def write(self, offset, size, value):
                self.value = value
                self.irq.set(value == 100)

            def state(self):
                return self.value

            def restore(self, state):
                self.value = state

        m = quire.Machine.bare("driver.elf", devices=[Counter().at(0x1030_0000, irq=20)])

    Results must follow from what the guest does and from now_ns alone, or runs do not repeat. What a method raises
    comes out of run(), after the instruction; a read then gives 0.
    """

    #: Its name on the board: for the device tree, messages and m.on.mmio(). The class' name in lower case, unless given.
    name: str = ""
    #: What a driver looks for in the device tree, the most special first. "quire,NAME" unless given.
    compatible: str | Sequence[str] = ""
    #: Bytes of its registers: 8 bytes to 256 MiB, a multiple of 8.
    size: int = 0x1000

    _wires: _core.DeviceWires | None = None
    _address: int | None = None
    _irq: int | None = None

    # --- what a device overrides ---

    def read(self, offset: int, size: int) -> int:
        """A load of 1, 2, 4 or 8 bytes; `offset` is a multiple of `size`. Registers that are not there read 0."""
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """A store, likewise; `value` has no sign. Registers that are not there ignore it."""

    def reset(self) -> None:
        """Power-on, and each reboot: registers become what they are then. The line is low, nothing is scheduled."""

    def state(self) -> Any:
        """All that the guest can see of it now or later, for snapshots: numbers, texts, bytes, lists and dicts of them.

        Its line and what it has scheduled are kept without it.
        """
        raise UsageError(f"{self._title()} has no state(); no snapshot can be taken of its machine without")

    def restore(self, state: Any) -> None:
        """Becomes what state() told (tuples have become lists)."""
        raise UsageError(f"{self._title()} has no restore(); no snapshot can be taken of its machine without")

    # --- where it is ---

    def at(self, address: int | None = None, *, irq: int | None = None) -> Self:
        """Asks for a place on the board: a physical address, a multiple of 4096, and an interrupt, 1 to 95.

        What is not asked for is given by the board: the first that is free.
        """
        if address is not None:
            self._address = count(address, "address")
        if irq is not None:
            self._irq = count(irq, "irq", bits=31)
        return self

    @property
    def address(self) -> int:
        """Where its registers begin: a physical address."""
        return self._connection.address

    # --- what it is given ---

    @property
    def irq(self) -> IrqLine:
        """Its interrupt line."""
        return IrqLine(self)

    @property
    def dma(self) -> Memory:
        """Guest RAM by physical address, as a bus master sees it: dma[a:b], dma.u32(a), dma.write(a, data).

        What is not wholly RAM raises quire.DmaError.
        """
        wires = self._connection
        return Memory(wires.dma_read, wires.dma_write, f"RAM, as {self.name or type(self).__name__} sees it")

    @property
    def now_ns(self) -> int:
        """Virtual time; one instruction is one nanosecond."""
        return self._connection.now_ns

    def after(self, delay_ns: int, method: Callable[[], object]) -> int:
        """Calls a method of this device in so much virtual time; the number it returns is for cancel().

        A snapshot names the method: a lambda or another object's would be lost in it, and is refused.
        """
        wires = self._connection
        name = getattr(method, "__name__", "")
        if getattr(method, "__self__", None) is self and name.startswith("__") and not name.endswith("__"):
            # Python knows a private method under its class' name as well.
            name = next((mangled for kind in type(self).__mro__ if getattr(self, mangled := f"_{kind.__name__.lstrip('_')}{name}", None) == method), name)
        if getattr(method, "__self__", None) is not self or getattr(self, name, None) != method:
            raise UsageError(f"after() calls a method of the device itself, as in self.after(100, self.done), not {method!r}: "
                             "snapshots keep its name")
        return wires.schedule(count(delay_ns, "delay_ns"), name)

    def cancel(self, event: int) -> None:
        """Forgets what after() scheduled; what is over or cancelled already is ignored."""
        self._connection.cancel(count(event, "event"))

    # --- for the package ---

    @property
    def _connection(self) -> _core.DeviceWires:
        if self._wires is None:
            raise UsageError(f"{self._title()} is on no machine yet: give it to one, as in "
                             "quire.Machine.bare(..., devices=[device])")
        return self._wires

    def _title(self) -> str:
        return f"the device '{self._name()}'"

    def _name(self) -> str:
        return self.name or type(self).__name__.lower()

    def _connect(self, wires: _core.DeviceWires) -> bool:
        """It is on a board now; whether it has what snapshots need."""
        self._wires = wires
        kind = type(self)
        return kind.state is not Device.state and kind.restore is not Device.restore

    def _state_bytes(self) -> bytes:
        # Of the class: an object may well have an attribute of that name.
        return encode_state(self._title(), type(self).state(self))

    def _restore_bytes(self, data: bytes) -> None:
        import json  # noqa: PLC0415  (for machines that have snapshots with devices alone)

        type(self).restore(self, json.loads(data, object_hook=_bytes_again))

    def __repr__(self) -> str:
        if self._wires is None:
            return f"<{type(self).__name__}, on no machine>"
        if not self._wires.connected:
            return f"<{type(self).__name__}, of a machine that is closed>"
        return f"<{type(self).__name__} at {self.address:#x}, interrupt {self.irq.number}>"


def encode_state(title: str, state: Any) -> bytes:
    """A state as a snapshot keeps it; refuses what would not come back as it was.

    >>> encode_state("the device 'a'", [1, b"x"])
    b'[1,{"__bytes__":"78"}]'
    >>> encode_state("the device 'a'", {1: 2})
    Traceback (most recent call last):
      ...
    quire.errors.UsageError: state() of the device 'a' has a dict with the key 1; keys are texts in a snapshot
    """
    import json  # noqa: PLC0415

    _check(title, state)
    return json.dumps(state, default=_bytes_as_text, separators=(",", ":"), allow_nan=True).encode()


def _check(title: str, value: Any) -> None:
    if value is None or isinstance(value, (bool, int, float, str, bytes, bytearray)):
        return
    if isinstance(value, (list, tuple)):
        for item in value:
            _check(title, item)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or key == _BYTES:
                raise UsageError(f"state() of {title} has a dict with the key {key!r}; keys are texts in a snapshot")
            _check(title, item)
        return
    raise UsageError(f"state() of {title} returned a {type(value).__name__} ({value!r}), which a snapshot cannot keep; "
                     "give numbers, texts, bytes, and lists or dicts of them")


def _bytes_as_text(value: Any) -> dict[str, str]:
    return {_BYTES: bytes(value).hex()}


def _bytes_again(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value[_BYTES]) if value.keys() == {_BYTES} else value


Plan = tuple[Device, str, list[str], int, "int | None", "int | None"]


def device_plans(devices: Sequence[Device]) -> list[Plan]:
    """As the native side takes them. What the board refuses is refused there."""
    if isinstance(devices, (str, bytes, Device)) or not isinstance(devices, Sequence):
        raise wrong("devices", devices, "a list of quire.Device objects")
    plans: list[Plan] = []
    for device in devices:
        if not isinstance(device, Device):
            made = " (an object, not the class: write its parentheses)" if isinstance(device, type) else ""
            raise wrong("devices", device, f"objects whose class derives from quire.Device{made}")
        if any(device is other[0] for other in plans) or (device._wires is not None and device._wires.connected):
            raise UsageError(f"{device._title()} is on a machine already; make another object for each place")
        name = device._name()
        if not isinstance(name, str) or not name.isascii():
            raise wrong("name", name, "text of ASCII letters and digits")
        compatible = device.compatible or f"quire,{name}"
        words = [compatible] if isinstance(compatible, str) else compatible
        if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) and word.isascii() for word in words):
            raise wrong("compatible", device.compatible, "ASCII text, or a list of such texts")
        plans.append((device, name, list(words), count(device.size, "size", bits=56), device._address, device._irq))
    return plans


def described(devices: Sequence[Device]) -> dict[str, dict[str, int | str]]:
    """What a machine's config says of them."""
    return {device._name(): {"class": type(device).__qualname__, "address": device.address, "size": device.size,
                             "irq": device.irq.number} for device in devices}


__all__ = ["Device", "IrqLine", "described", "device_plans"]
