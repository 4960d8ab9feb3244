"""Killed anywhere, a region is as it was before or as it should be after, on either database, and never between."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from made_store import BOARD, HEADER, NOW, A, B, C, D, Rows, observed, problems, settled, sql, wanting, writer
from sqlalchemy import Engine, event

from reconciler import store
from reconciler.model import Enrolment

pytestmark = pytest.mark.usefixtures("unmeasured")

STORY: tuple[Rows, Rows] = (
    {A: ("14", "Ett"), B: ("14", "Två")},
    {A: ("14", "Ettan"), C: ("14", "Tre"), D: ("14", "Fyra")},
)


class KilledError(Exception):
    """The process ends here, as far as the database can see."""


@contextmanager
def stop_at(engine: Engine, moment: str, number: int, stop: Callable[[], None]) -> Iterator[None]:
    """Stop at the *number*-th statement (or commit), just before or just after it."""
    count = 0

    def step(*_arguments: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            stop()

    event.listen(engine, moment, step)
    try:
        yield
    finally:
        event.remove(engine, moment, step)


def kill() -> None:
    raise KilledError


def killed_at(url: str, run: int, moment: str, number: int) -> bool:
    """Settle the second half of the story, and say whether it was killed on the way."""
    engine, second = writer(url), STORY[1]
    try:
        with stop_at(engine, moment, number, kill):
            store.settle_region(engine, run, "14", second.keys(), wanting("14", second, BOARD, taken={"d": 1}), NOW)
    except KilledError:
        return True
    return False


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
def test_killed_at_any_statement_the_region_is_as_before(url: str, moment: str) -> None:
    settled(url, "14", STORY[0], BOARD)
    before = observed(url)
    run = store.begin_run(writer(url), HEADER, NOW)
    number = 1
    while killed_at(url, run, moment, number):
        assert observed(url) == before
        assert problems(url) == []
        number += 1
    assert number > (1 if moment == "commit" else 15)
    assert observed(url).clinics == {key: Enrolment(*row) for key, row in STORY[1].items()}
    assert sql(url, "SELECT action FROM change WHERE run = :run ORDER BY id", run=run) == [
        ("withdraw",),
        ("rename",),
        ("enrol",),
        ("enrol",),
    ]


def in_a_child_that_dies(url: str, run: int, moment: str, number: int) -> None:
    child = os.fork()
    if child == 0:
        engine, second = writer(url), STORY[1]
        with stop_at(engine, moment, number, lambda: os._exit(9)):
            store.settle_region(engine, run, "14", second.keys(), wanting("14", second, BOARD), NOW)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (0, 9)


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
def test_a_process_that_dies_leaves_before_or_after_and_never_between(url: str, moment: str) -> None:
    settled(url, "14", STORY[0], BOARD)
    before = observed(url)
    run = store.begin_run(writer(url), HEADER, NOW)
    for number in range(1, 60):
        in_a_child_that_dies(url, run, moment, number)
        assert problems(url) == []
        if observed(url) != before:
            break
    assert observed(url).clinics == {key: Enrolment(*row) for key, row in STORY[1].items()}
    assert sql(url, "SELECT max(sequence) FROM change WHERE region = '14'") == [(7,)]
