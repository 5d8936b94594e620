"""The stubs of the native module say what the binary says: same names, same signatures."""

import ast
import inspect
import re
import types
from pathlib import Path

import pytest
import quire
from quire import _core

STUB = ast.parse(Path(quire.__file__).with_name("_core.pyi").read_text())


def canonical(text: str) -> str:
    """One spelling for a type, whether pybind11 or the stub wrote it."""
    text = text.replace("quire._core.", "").replace(" ", "")
    while (new := re.sub(r"Optional\[((?:[^\[\]]|\[[^\[\]]*\])*)\]", r"\1|None", text)) != text:
        text = new
    for theirs, ours in (("List", "list"), ("Dict", "dict"), ("Tuple", "tuple"), ("buffer", "Buffer")):
        text = re.sub(rf"\b{theirs}\b", ours, text)
    return text


def compatible(binary: str, stub: str) -> bool:
    """Equal, or the stub says what a bare container of the binary holds."""
    binary, stub = canonical(binary), canonical(stub)
    return binary == stub or (binary in {"list", "dict", "tuple"} and stub.startswith(binary + "["))


def binary_signature(doc: str) -> tuple[list[tuple[str, str]], str]:
    """Parameters (without self) and result, from the first line of a pybind11 docstring."""
    match = re.match(r"\w*\((?P<params>.*)\) -> (?P<result>.*)", doc)
    assert match, f"not a signature: {doc!r}"
    params = []
    for part in re.split(r", (?=\w+: )", match["params"]):
        name, _, kind = part.partition(": ")
        kind = kind.partition(" = ")[0]  # the stub is held to the default by mypy's users, not here
        if name not in {"", "self", "arg0"}:
            params.append((name, kind))
    return params, match["result"]


def stub_signature(node: ast.FunctionDef) -> tuple[list[tuple[str, str]], str]:
    params = [(a.arg, ast.unparse(a.annotation)) for a in node.args.args if a.arg != "self"]
    assert node.returns is not None, f"{node.name} has no result type"
    return params, ast.unparse(node.returns)


def assert_same(where: str, doc: str, node: ast.FunctionDef) -> None:
    params, result = binary_signature(doc)
    stub_params, stub_result = stub_signature(node)
    assert [n for n, _ in params] == [n for n, _ in stub_params], where
    for (name, kind), (_, stub_kind) in zip(params, stub_params, strict=True):
        assert compatible(kind, stub_kind), f"{where}({name}): {kind} in the binary, {stub_kind} in the stub"
    assert compatible(result, stub_result), f"{where}: {result} in the binary, {stub_result} in the stub"


FUNCTIONS = {n.name: n for n in STUB.body if isinstance(n, ast.FunctionDef)}
CLASSES = {n.name: n for n in STUB.body if isinstance(n, ast.ClassDef)}


def test_the_module_has_exactly_what_the_stub_names():
    public = {name for name in vars(_core) if not name.startswith("_")}
    assert public == set(FUNCTIONS) | set(CLASSES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    assert_same(name, getattr(_core, name).__doc__, FUNCTIONS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_class(name):
    cls = getattr(_core, name)
    stub = {n.name: n for n in CLASSES[name].body if isinstance(n, ast.FunctionDef)}
    members = {k: v for k, v in vars(cls).items() if not k.startswith("__") or k in stub}
    expected = set(stub) - {"__buffer__"}  # a slot of the type, not an attribute, before Python 3.12
    assert set(members) | ({"__init__"} & expected) == expected
    for member, node in stub.items():
        where = f"{name}.{member}"
        if member == "__buffer__":
            continue
        value = inspect.getattr_static(cls, member)
        if inspect.ismemberdescriptor(value) or inspect.isgetsetdescriptor(value):  # a type of C's
            assert any(ast.unparse(d) == "property" for d in node.decorator_list), where
            assert_same(where, f"{member}{value.__doc__.removeprefix(member)}".strip(), node)
        elif isinstance(value, types.WrapperDescriptorType):
            assert member == "__repr__", where
        elif isinstance(value, property):
            assert any(ast.unparse(d) == "property" for d in node.decorator_list), where
            assert value.fset is None, f"{where} can be assigned, which the stub denies"
            assert_same(where, value.fget.__doc__, node)
        else:
            is_static = any(ast.unparse(d) == "staticmethod" for d in node.decorator_list)
            assert isinstance(value, staticmethod) == is_static, where
            assert_same(where, getattr(cls, member).__doc__, node)


def test_a_wrong_stub_is_noticed():
    wrong = ast.parse("def syscall_name(number: str) -> str: ...").body[0]
    with pytest.raises(AssertionError):
        assert_same("syscall_name", _core.syscall_name.__doc__, wrong)


def test_the_package_is_marked_as_typed():
    assert Path(quire.__file__).with_name("py.typed").exists()


def test_everything_promised_is_there():
    for name in quire.__all__:
        assert hasattr(quire, name), name
