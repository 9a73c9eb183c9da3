"""The tools that hold the house together: what they find fails the tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FUNCTION = 50
LONGEST_MODULE = 400


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        ["lint-imports"],
    ],
    ids=["ruff", "format", "mypy", "imports"],
)
@pytest.mark.timeout(300)
def test_a_tool_finds_nothing(command: list[str]) -> None:
    program = Path(command[0])
    if not program.is_absolute():
        program = Path(sys.executable).with_name(command[0])

    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_function_and_no_module_is_long() -> None:
    long = [
        place
        for path in sorted((ROOT / "refersion_segment").rglob("*.py"))
        for place in too_long(path)
    ]

    assert long == []


def too_long(path: Path) -> list[str]:
    """Name what is too long in a module; docstrings do not count towards a function."""
    text = path.read_text()
    tree = ast.parse(text)
    found = [f"{path}: {text.count(chr(10))} lines"] if text.count("\n") > LONGEST_MODULE else []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = (node.end_lineno or 0) - node.lineno + 1 - len(docstring.splitlines())
            if length > LONGEST_FUNCTION:
                found.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    return found


def test_nothing_in_the_repository_names_a_registry_or_a_path_of_a_machine() -> None:
    telling = ("--index-url", "--find-links", "file://", "/root/")
    for name in ("requirements.txt", "requirements-dev.txt", "setup.cfg", "Makefile"):
        text = (ROOT / name).read_text()
        assert not any(line.startswith(telling) for line in text.splitlines()), name
