// Moments: what a callback for an instruction or an access is given. Made by hand, as there may be millions a
// second: numbers become Python's only when they are asked for.
#pragma once

#include <pybind11/pybind11.h>

#include "quire/observer.h"

namespace quire::python {

/// New references.
pybind11::object make_moment(const EventPlace& place);
pybind11::object make_moment(const AccessEvent& access);

void bind_moments(pybind11::module_& module);

}  // namespace quire::python
