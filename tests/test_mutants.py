"""What `make mutants` does before and after mutmut: every guard is written so that it can be broken, and is judged."""

from __future__ import annotations

import ast

import pytest
from mutants import COMPARISON, MUTATED, ROOT, compares, undecorated


@pytest.mark.parametrize("name", MUTATED)
def test_no_function_is_left_alone_for_its_decorator(name: str) -> None:
    text = undecorated((ROOT / "reconciler" / name).read_text(encoding="utf-8"))
    functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)]
    assert functions
    assert [one.name for one in functions if one.decorator_list] == []


def test_a_decorator_is_written_as_the_call_that_it_is() -> None:
    held: dict[str, object] = {}
    exec(undecorated("@str\n@len\ndef f():\n    pass\n".replace("@len", "@(lambda f: 3)")), held)
    assert held["f"] == "3"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("if count > allowed:", "if count >= allowed:", True),
        ("if a == b and c:", "if a == b or c:", True),
        ("if a in b:", "if a not in b:", True),
        ("if part is None or b:", "if part is not None or b:", True),
        ("count = 1", "count = 2", False),
        ("x = inner - 1", "x = inner + 1", False),
        ("_('is in')", "_('XXis inXX')", False),
    ],
)
def test_a_broken_comparison_is_told_from_the_rest(old: str, new: str, *, expected: bool) -> None:
    assert compares([f"-    {old}", f"+    {new}"]) is expected


def test_a_change_of_more_lines_is_no_comparison() -> None:
    assert not compares(["-a", "+b", "+c"])
    assert COMPARISON.search("a > b")
