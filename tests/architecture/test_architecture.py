"""The house rules that a program can check: who imports whom, lengths, words, annotations."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
OURS = {"server", "services", "handlers", "runner", "dialogs", "models", "sandbox", "migrate"}
MAY_IMPORT = {
    "models": set(),
    "dialogs": set(),
    "sandbox": set(),
    "runner": {"models", "dialogs"},
    "services": {"models", "runner", "dialogs"},
    "handlers": {"models", "runner", "dialogs", "services"},
    "server": OURS - {"migrate"},
    "migrate": {"server"},
}
MAX_FILE, MAX_FUNCTION, MAX_HANDLER = 300, 60, 25  # lines
MAX_METHODS, MAX_ATTRIBUTES = 15, 8  # of a class
# Each exception has a reason, and fails the test when it is no longer one.
LONG_FILES: dict[str, str] = {}
BIG_CLASSES = {
    "Sandbox": "one method for each thing that the Bot API can be told to do",
    "SandboxBot": "plain data: what the Bot API knows of a bot",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> dict[str, ast.Module]:
    """The program's Python files, by their path from the root; migrations are none of ours."""
    paths = [path for name in sorted(OURS) for path in sorted((ROOT / name).rglob("*.py"))]
    named = {str(path.relative_to(ROOT)): path for path in [*paths, ROOT / "migrate.py"]}
    return {
        name: ast.parse(path.read_text(), name)
        for name, path in named.items()
        if not re.match(r"models/migrations/\d", name)
    }


def package(name: str) -> str:
    """The package of a file."""
    return name.partition("/")[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names that a file imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(module: str) -> set[str]:
    """The files that import a module or something of it."""
    return {
        name
        for name, tree in files().items()
        if any(one == module or one.startswith(module + ".") for one in imports(tree))
    }


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """The public classes, functions and methods of a file, with their full names."""
    todo: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while todo:
        prefix, owner = todo.pop()
        for node in owner.body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                yield prefix + node.name, node
                if isinstance(node, ast.ClassDef) and node.name != "Meta":
                    todo.append((f"{prefix}{node.name}.", node))


def length(function: Function) -> int:
    """The lines of a function without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    inside = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
    return inside + function.body[0].lineno - function.lineno


# -- who imports whom


@pytest.mark.parametrize("importer", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_lies_below_it(importer: str) -> None:
    allowed = MAY_IMPORT[importer] | {importer}
    wrong = [
        f"{name} imports {imported}"
        for name, tree in files().items()
        if package(name) == importer
        for imported in imports(tree)
        if imported.partition(".")[0] in OURS - allowed
    ]
    assert wrong == []


def _module(name: str) -> str:
    """The dotted name of a file."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _arrows() -> dict[str, set[str]]:
    """Which files each file imports, also for type checkers alone and inside functions."""
    modules = {_module(name) for name in files()}

    def target(full: str) -> str | None:
        """The file that an imported name belongs to."""
        while full and full not in modules:
            full = full.rpartition(".")[0]
        return full or None

    return {
        _module(name): {found for one in imports(tree) if (found := target(one))} - {_module(name)}
        for name, tree in files().items()
    }


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = _arrows()
    done: set[str] = set()
    circles: list[list[str]] = []

    def visit(module: str, way: list[str]) -> None:
        if module in way:
            circles.append([*way[way.index(module) :], module])
        elif module not in done:
            for imported in sorted(arrows[module]):
                visit(imported, [*way, module])
            done.add(module)

    for module in sorted(arrows):
        visit(module, [])
    assert circles == []


@pytest.mark.parametrize(
    ("module", "packages"),
    [
        ("telegram", {"runner"}),
        ("tornado.web", {"handlers", "server", "sandbox"}),
        ("peewee_migrate", {"models"}),
        ("aiohttp", {"runner"}),
        ("markdown_it", {"dialogs"}),
        ("jsonschema", {"dialogs"}),
        ("prometheus_client", {"handlers"}),
    ],
)
def test_a_library_is_used_only_where_it_belongs(module: str, packages: set[str]) -> None:
    found = {package(name) for name in importers(module)}
    assert found
    assert found <= packages


@pytest.mark.parametrize(
    ("module", "file"),
    [
        ("jwt", "handlers/access_tokens.py"),
        ("bcrypt", "models/accounts/passwords.py"),
    ],
)
def test_a_library_is_used_in_one_file(module: str, file: str) -> None:
    assert importers(module) == {file}


def test_only_the_settings_read_the_environment() -> None:
    # `setdefault` is how a library is told something that it takes from nowhere else.
    readers = {
        name
        for name, tree in files().items()
        for line in ast.unparse(tree).splitlines()
        if re.search(r"\bos\.(environ|getenv)\b(?!\.setdefault)", line)
    }
    assert readers == {"server/config.py"}
    assert importers("os.environ") | importers("os.getenv") == set()


# -- tasks


def test_every_task_has_a_name() -> None:
    nameless = [
        f"{name}:{node.lineno}"
        for name, tree in files().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"create_task", "ensure_future"}
        and "name" not in {keyword.arg for keyword in node.keywords}
    ]
    assert nameless == []


# -- what can be read


def test_everything_public_has_a_docstring() -> None:
    silent = [
        f"{name}: {full}"
        for name, tree in files().items()
        for full, node in public(tree)
        if not ast.get_docstring(node) and full.rpartition(".")[2] != "Meta"
    ]
    assert silent == []


def test_every_file_says_what_it_is_for() -> None:
    assert [name for name, tree in files().items() if not ast.get_docstring(tree)] == []


def test_every_function_is_annotated_in_full() -> None:
    bare = []
    for name, tree in files().items():
        for function in functions(tree):
            args = function.args
            taken = [*args.posonlyargs, *args.args, *args.kwonlyargs]
            taken += [arg for arg in (args.vararg, args.kwarg) if arg]
            missing = [
                arg.arg for arg in taken if not arg.annotation and arg.arg not in {"self", "cls"}
            ]
            if missing or function.returns is None:
                bare.append(f"{name}:{function.lineno} {function.name} {missing}")
    assert bare == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name}:{function.lineno} {function.name} has {length(function)} lines"
        for name, tree in files().items()
        for function in functions(tree)
        if length(function) > MAX_FUNCTION
    ]
    assert long == []


def test_no_method_of_a_handler_is_long() -> None:
    long = [
        f"{name}:{function.lineno} {function.name} has {length(function)} lines"
        for name, tree in files().items()
        if package(name) == "handlers"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for function in functions(node)
        if length(function) > MAX_HANDLER
    ]
    assert long == []


def test_every_file_can_be_read_in_one_sitting() -> None:
    lengths = {name: (ROOT / name).read_text().count("\n") for name in files()}
    long = {name: lines for name, lines in lengths.items() if lines > MAX_FILE}
    assert {name: lines for name, lines in long.items() if name not in LONG_FILES} == {}
    assert LONG_FILES.keys() - long.keys() == set(), "no longer long: remove the exceptions"


def _attributes(owner: ast.ClassDef) -> set[str]:
    """The attributes that a class gives itself, in whatever method."""
    targets = [
        target
        for node in ast.walk(owner)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return {
        target.attr
        for target in targets
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }


def test_no_class_does_too_much() -> None:
    big = {}
    for name, tree in files().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = sum(isinstance(member, Function) for member in node.body)
                attributes = len(_attributes(node))
                if methods > MAX_METHODS or attributes > MAX_ATTRIBUTES:
                    big[node.name] = f"{name}: {methods} methods, {attributes} attributes"
    assert {name: size for name, size in big.items() if name not in BIG_CLASSES} == {}
    assert BIG_CLASSES.keys() - big.keys() == set(), "no longer big: remove the exceptions"


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    found = [
        f"{name}:{number}"
        for name in listed
        if name and (ROOT / name).is_file()
        for number, line in enumerate(_lines(ROOT / name), 1)
        if words.search(line)
    ]
    assert found == []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except UnicodeDecodeError:
        return []
