#include "python/bindings/moments.h"

#include <fmt/format.h>
#include <structmember.h>

#include <cstddef>
#include <string>

#include "quire/arch/names.h"

namespace quire::python {
namespace py = pybind11;
namespace {

struct Moment {
  PyObject_HEAD;
  unsigned long long icount, pc, va, value;
  unsigned hart, size;
  char priv[2];
  char access;
};

PyTypeObject* insn_type = nullptr;
PyTypeObject* access_type = nullptr;

char letter_of(arch::Privilege privilege) { return arch::privilege_key(privilege)[0]; }

Moment* allocate(PyTypeObject* type, const EventPlace& place) {
  auto* moment = PyObject_New(Moment, type);
  if (moment == nullptr) throw py::error_already_set();
  moment->icount = place.icount;
  moment->pc = place.pc;
  moment->hart = place.hart;
  moment->priv[0] = letter_of(place.privilege);
  moment->priv[1] = '\0';
  return moment;
}

void deallocate(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

const Moment& moment_of(PyObject* self) { return *reinterpret_cast<const Moment*>(self); }

PyObject* text(const std::string& shown) {
  return PyUnicode_FromStringAndSize(shown.data(), static_cast<Py_ssize_t>(shown.size()));
}

PyObject* show_insn(PyObject* self) {
  const Moment& m = moment_of(self);
  return text(fmt::format("<insn at {}: hart={}, pc={:#x}, priv={}>", m.icount, m.hart, m.pc, m.priv));
}

PyObject* show_access(PyObject* self) {
  const Moment& m = moment_of(self);
  return text(fmt::format("<{} at {}: hart={}, pc={:#x}, priv={}, va={:#x}, size={}, value={:#x}>",
                          m.access == 'w' ? "mem_write" : "mem_read", m.icount, m.hart, m.pc, m.priv, m.va,
                          m.size, m.value));
}

PyObject* event_of_insn(PyObject* /*self*/, void* /*closure*/) { return PyUnicode_InternFromString("insn"); }
PyObject* event_of_access(PyObject* self, void* /*closure*/) {
  return PyUnicode_InternFromString(moment_of(self).access == 'w' ? "mem_write" : "mem_read");
}
PyObject* priv_of(PyObject* self, void* /*closure*/) {
  return PyUnicode_InternFromString(moment_of(self).priv);
}

constexpr const char* kInt = "(self) -> int\n\n";
constexpr const char* kStr = "(self) -> str\n\n";

PyMemberDef insn_members[] = {{"icount", T_ULONGLONG, offsetof(Moment, icount), READONLY, kInt},
                              {"pc", T_ULONGLONG, offsetof(Moment, pc), READONLY, kInt},
                              {"hart", T_UINT, offsetof(Moment, hart), READONLY, kInt},
                              {}};
PyMemberDef access_members[] = {{"icount", T_ULONGLONG, offsetof(Moment, icount), READONLY, kInt},
                                {"pc", T_ULONGLONG, offsetof(Moment, pc), READONLY, kInt},
                                {"hart", T_UINT, offsetof(Moment, hart), READONLY, kInt},
                                {"va", T_ULONGLONG, offsetof(Moment, va), READONLY, kInt},
                                {"size", T_UINT, offsetof(Moment, size), READONLY, kInt},
                                {"value", T_ULONGLONG, offsetof(Moment, value), READONLY, kInt},
                                {"access", T_CHAR, offsetof(Moment, access), READONLY, kStr},
                                {}};
PyGetSetDef insn_getters[] = {
    {"event", event_of_insn, nullptr, kStr, nullptr}, {"priv", priv_of, nullptr, kStr, nullptr}, {}};
PyGetSetDef access_getters[] = {
    {"event", event_of_access, nullptr, kStr, nullptr}, {"priv", priv_of, nullptr, kStr, nullptr}, {}};

PyTypeObject* make_type(const char* name, const char* doc, PyMemberDef* members, PyGetSetDef* getters,
                        reprfunc show) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                         {Py_tp_repr, reinterpret_cast<void*>(show)},
                         {Py_tp_members, members},
                         {Py_tp_getset, getters},
                         {Py_tp_doc, const_cast<char*>(doc)},
                         {0, nullptr}};
  PyType_Spec spec{name, sizeof(Moment), 0,
                   static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                                         Py_TPFLAGS_IMMUTABLETYPE),
                   slots};
  PyObject* const type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  return reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

py::object make_moment(const EventPlace& place) {
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(allocate(insn_type, place)));
}

py::object make_moment(const AccessEvent& access) {
  Moment* const moment = allocate(access_type, access.at);
  moment->va = access.address;
  moment->size = access.size_bytes;
  moment->value = access.value;
  moment->access = access.is_store ? 'w' : 'r';
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(moment));
}

void bind_moments(py::module_& module) {
  insn_type = make_type("quire._core.InsnEvent", "An instruction that is about to be executed.", insn_members,
                        insn_getters, show_insn);
  access_type =
      make_type("quire._core.AccessEvent", "A read or write of memory by an instruction, which has retired.",
                access_members, access_getters, show_access);
  module.attr("InsnEvent") = py::handle(reinterpret_cast<PyObject*>(insn_type));
  module.attr("AccessEvent") = py::handle(reinterpret_cast<PyObject*>(access_type));
}

}  // namespace quire::python
