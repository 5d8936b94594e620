// Calling Python for what hooks were hit by; see hooks.h.
#pragma once

#include <pybind11/pybind11.h>

#include "python/bindings/guest.h"
#include "python/bindings/hooks.h"

namespace quire::python {

/// Calls `callback` with what it is told: a moment for instructions and accesses, else (name, icount, hart,
/// fields), where the fields of the supervisor's events are a tuple in the table's order. Throws what it
/// throws.
void tell_python(PyObject* callback, const Hit& hit);

void bind_hooks(pybind11::class_<Guest, std::shared_ptr<Guest>>& guest);

}  // namespace quire::python
