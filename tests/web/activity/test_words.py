"""Every action that the product writes down is told in words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import refersion_segment
from refersion_segment.web.activity.words import WORDS, in_words

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def actions_of_product() -> Iterator[str]:
    for path in Path(refersion_segment.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("record"):
                for value in (part for argument in node.args for part in ast.walk(argument)):
                    if isinstance(value, ast.Constant) and ACTION.fullmatch(str(value.value)):
                        yield str(value.value)


def test_every_action_has_words() -> None:
    actions = set(actions_of_product())

    assert "api_key.shown" in actions
    assert actions - set(WORDS) == set()


def test_an_action_of_a_later_version_can_be_read() -> None:
    assert in_words("team.member_left") == "– team member left"
