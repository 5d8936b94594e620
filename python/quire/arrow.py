"""Columns as Arrow sees them, through its C data interface: pyarrow, polars and pandas take them without a copy.

The structures are those of the interface's specification (ArrowSchema, ArrowArray); what a consumer holds is kept alive
until it calls release. Nothing of Arrow's is needed here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


_Schema._fields_ = [("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p), ("flags", ctypes.c_int64),
                    ("n_children", ctypes.c_int64), ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
                    ("dictionary", ctypes.POINTER(_Schema)), ("release", _RELEASE), ("private_data", ctypes.c_void_p)]
_Array._fields_ = [("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64), ("n_buffers", ctypes.c_int64),
                   ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
                   ("children", ctypes.POINTER(ctypes.POINTER(_Array))), ("dictionary", ctypes.POINTER(_Array)),
                   ("release", _RELEASE), ("private_data", ctypes.c_void_p)]

#: What consumers hold, by the number in private_data.
_held: dict[int, Any] = {}
#: Structures that a capsule points to, by address: released or not, they live as long as it.
_in_capsules: dict[int, ctypes.Structure] = {}
_numbers = iter(range(1, 1 << 62))


def _hold(*objects: Any) -> int:
    number = next(_numbers)
    _held[number] = objects
    return number


def _released(kind: type[ctypes.Structure]) -> Any:
    def release(address: int | None) -> None:
        # A consumer may have moved the structure: what counts is what is in it.
        struct: Any = kind.from_address(address or 0)
        for i in range(struct.n_children):
            child = struct.children[i].contents
            if child.release:
                child.release(ctypes.addressof(child))
        number = struct.private_data
        ctypes.memset(ctypes.addressof(struct) + kind.release.offset, 0, ctypes.sizeof(ctypes.c_void_p))
        _held.pop(number, None)  # last: the structure itself may go with it

    return _RELEASE(release)


_release_schema = _released(_Schema)
_release_array = _released(_Array)


def _pointers(kind: Any, items: Sequence[Any]) -> Any:
    return (ctypes.POINTER(kind) * max(len(items), 1))(*(ctypes.pointer(item) for item in items))


def _schema(form: bytes, name: bytes, children: Sequence[Any] = ()) -> Any:
    pointers = _pointers(_Schema, children)
    schema = _Schema(form, name, None, 0, len(children), pointers, None, _release_schema, 0)
    schema.private_data = _hold(schema, form, name, pointers, list(children))
    return schema


def _array(length: int, buffers: Sequence[int | None], owner: Any, children: Sequence[Any] = ()) -> Any:
    addresses = (ctypes.c_void_p * max(len(buffers), 1))(*buffers)
    pointers = _pointers(_Array, children)
    array = _Array(length, 0, 0, len(buffers), len(children), addresses, pointers, None, _release_array, 0)
    array.private_data = _hold(array, addresses, pointers, owner, list(children))
    return array


def _address(column: memoryview) -> int:
    """Where a read-only buffer is: what ctypes' own from_buffer() tells of writable ones only."""
    class Buffer(ctypes.Structure):
        _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
                    ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p),
                    ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]

    view = Buffer()
    get = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p, ctypes.c_int)(("PyObject_GetBuffer", ctypes.pythonapi))
    get(column, ctypes.addressof(view), 0)
    address = int(view.buf or 0)
    ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyBuffer_Release", ctypes.pythonapi))(ctypes.addressof(view))
    return address


_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


def _destroyed(kind: type[ctypes.Structure], name: bytes) -> Any:
    """What a capsule does that nobody took from."""
    # By its address: a capsule that is being freed must not be held.
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))

    def destroy(capsule: int | None) -> None:
        struct: Any = kind.from_address(get(capsule, name) or 0)
        if struct.release:
            struct.release(ctypes.addressof(struct))
        del _in_capsules[ctypes.addressof(struct)]

    return _DESTRUCTOR(destroy)


_destroy_schema = _destroyed(_Schema, b"arrow_schema")
_destroy_array = _destroyed(_Array, b"arrow_array")


def _capsule(struct: ctypes.Structure, name: bytes, destructor: Any) -> Any:
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, _DESTRUCTOR)(("PyCapsule_New", ctypes.pythonapi))
    _in_capsules[ctypes.addressof(struct)] = struct
    return make(ctypes.addressof(struct), name, destructor)


def struct_array(columns: dict[str, memoryview]) -> tuple[Any, Any]:
    """A struct of unsigned 64-bit columns of one length, as the capsules that __arrow_c_array__ returns."""
    schema = _schema(b"+s", b"", [_schema(b"L", name.encode()) for name in columns])
    length = len(next(iter(columns.values()))) if columns else 0
    children = [_array(length, [None, _address(column)], column) for column in columns.values()]
    array = _array(length, [None], None, children)
    return _capsule(schema, b"arrow_schema", _destroy_schema), _capsule(array, b"arrow_array", _destroy_array)


__all__ = ["struct_array"]
