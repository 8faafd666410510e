"""What the rest of the integration may use of the engine; changing it is a visible diff.

After a change that is meant:
    PYTHONPATH=. .venv/bin/python -m tests.architecture.test_public_surface > tests/architecture/public_surface.txt
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from custom_components.smartloop import engine

HERE = Path(__file__).resolve().parent
INTEGRATION = HERE.parents[1] / "custom_components" / "smartloop"


def surface() -> Iterator[str]:
    """Yield one line per name, member and method, in order."""
    for name in sorted(engine.__all__):
        thing = getattr(engine, name)
        yield from _class(name, thing) if inspect.isclass(thing) else _other(name, thing)


def _class(name: str, thing: type) -> Iterator[str]:
    if issubclass(thing, Enum):
        yield f"{name}: {', '.join(str(member.value) for member in thing)}"
    elif issubclass(thing, Exception):
        yield f"{name}({thing.__mro__[1].__name__})"
    elif is_dataclass(thing):
        yield f"{name}: {', '.join(field.name for field in fields(thing))}"
    else:
        yield name
        yield from (f"{name}.{member}" for member in _members(thing))


def _members(thing: type) -> Iterator[str]:
    own = {name: member for each in reversed(thing.__mro__[:-1]) for name, member in vars(each).items()}
    for name, member in sorted(own.items()):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield f"{name}{'' if member.fset is None else ' (settable)'}"
        elif callable(member):
            yield f"{name}({', '.join(inspect.signature(member).parameters)})"


def _other(name: str, thing: Any) -> Iterator[str]:
    yield f"{name}({', '.join(inspect.signature(thing).parameters)})" if inspect.isfunction(thing) else name


def test_the_surface_is_as_written_down() -> None:
    assert "\n".join(surface()).splitlines() == (HERE / "public_surface.txt").read_text("utf-8").splitlines()


def test_what_is_promised_is_there_once() -> None:
    assert len(set(engine.__all__)) == len(engine.__all__)
    assert all(hasattr(engine, name) for name in engine.__all__)


def test_the_glue_takes_nothing_of_the_engine_that_is_not_promised() -> None:
    """Names from the engine's root must be in `__all__`, so that the root says what is used."""
    glue = [path for path in INTEGRATION.rglob("*.py") if "engine" not in path.relative_to(INTEGRATION).parts]
    taken = [
        (path.name, alias.name)
        for path in glue
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level and node.module == "engine"
        for alias in node.names
    ]

    assert taken
    assert [each for each in taken if each[1] not in engine.__all__] == []


if __name__ == "__main__":
    print("\n".join(surface()))  # noqa: T201
