"""PostgreSQL is stopped or restarted while apply runs: a region is whole or as before, the next run does the rest.

`make soak` stops it in both ways at each moment; otherwise one way for each.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import postgres
import pytest
from little_country import Country, board
from made_store import observed, problems, sql
from sqlalchemy import Engine, event

from reconciler import settings, store
from reconciler.cli import run as command_line
from reconciler.findings import Exit
from reconciler.model import Settings

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
WAYS = ["fast", "immediate"] if SOAK else ["immediate"]
MOMENTS = [("FOR UPDATE", "statement"), ("COPY complaints_clinic", "statement"), ("COPY change", "commit")]
NUMBERS = count(1)
Between = Callable[[Callable[[], None]], None]


@pytest.fixture(scope="module")
def own() -> Iterator[postgres.Server]:
    running = postgres.start(lasting=True)
    yield running
    running.stop()


@pytest.fixture
def served(own: postgres.Server, tmp_path: Path) -> Settings:
    """Three regions to apply, two of them with clinics."""
    url = own.make_schema(f"restarted_{next(NUMBERS)}")
    store.init(url, trial=True)
    country = Country(tmp_path)
    country.boards["14"] = board("14")
    country.declare("12", 1, 2)
    country.declare("14", 3, 4, 5)
    return settings.load(country.folder / "reconciler.toml", {"RECONCILER_DATABASE": url}, {})


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Have something done when region 12 is settled, and 14 is not begun."""
    really = store.settle_region

    done: list[str] = []

    def between(act: Callable[[], None]) -> None:
        def settle_region(engine: Engine, run: int, code: str, *rest: object, **more: object) -> store.Done:
            if code == "14" and not done:
                done.append(code)
                act()
            return really(engine, run, code, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "settle_region", settle_region)

    return between


@contextmanager
def at(words: str, moment: str, act: Callable[[], None]) -> Iterator[None]:
    """Do something once, where a statement holds these *words*; or at the commit that follows it."""
    seen: list[str] = []

    def statement(_connection: object, _cursor: object, text: str, *_rest: object) -> None:
        if words in text and not seen:
            seen.append(text)
            if moment == "statement":
                act()

    def commit(_connection: object) -> None:
        if len(seen) == 1:
            seen.append("")
            act()

    listened = ("before_cursor_execute", statement), ("commit", commit)
    for name, heard in listened if moment == "commit" else listened[:1]:
        event.listen(Engine, name, heard)
    yield
    for name, heard in listened if moment == "commit" else listened[:1]:
        event.remove(Engine, name, heard)
    assert seen


@pytest.fixture
def applied(
    served: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[Exit, str]]:
    """Apply as the job does, and return the exit code and all that is said."""
    monkeypatch.chdir(served.file.parent)

    def applied() -> tuple[Exit, str]:
        code = Exit(command_line(["--database", served.database, "apply"]))
        said = capsys.readouterr()
        return code, said.out + said.err

    return applied


def enrolled(served: Settings) -> str:
    return "".join(hsa_id[-1] for hsa_id in observed(served.database).clinics)


def unfinished(served: Settings) -> list[tuple[object, ...]]:
    return sql(served.database, "SELECT id FROM run WHERE finished IS NULL")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(("words", "moment"), MOMENTS)
def test_restarted_within_a_region_it_is_as_before_and_the_next_run_does_all(
    own: postgres.Server, served: Settings, applied: Callable[[], tuple[Exit, str]], how: str, words: str, moment: str
) -> None:
    with at(words, moment, lambda: own.control("-m", how, "restart")):
        code, said = applied()
    assert code is Exit.UNANSWERED
    assert "12 Region Skåne: failed, rolled back" in said
    assert "14 Västra Götalandsregionen: not attempted" in said
    assert said.count("it was stopped or started meanwhile: run again when it is up") == 1
    assert (enrolled(served), problems(served.database), unfinished(served)) == ("", [], [])
    assert applied()[0] is Exit.DONE
    assert (enrolled(served), problems(served.database)) == ("12345", [])


@pytest.mark.parametrize("how", WAYS)
def test_restarted_between_two_regions_nobody_notices(
    own: postgres.Server, served: Settings, applied: Callable[[], tuple[Exit, str]], how: str, between: Between
) -> None:
    between(lambda: own.control("-m", how, "restart"))
    assert applied()[0] is Exit.DONE
    assert (enrolled(served), problems(served.database)) == ("12345", [])


@pytest.mark.parametrize("how", WAYS)
def test_stopped_between_two_regions_what_is_done_is_done_and_the_next_run_does_the_rest(
    own: postgres.Server, served: Settings, applied: Callable[[], tuple[Exit, str]], how: str, between: Between
) -> None:
    between(lambda: own.control("-m", how, "stop"))
    code, said = applied()
    own.control("start")
    assert code is Exit.UNANSWERED
    assert "12 Region Skåne: 2 changes applied" in said
    assert "14 Västra Götalandsregionen: failed, rolled back" in said
    assert said.count("does not answer: ") == 1
    assert (enrolled(served), problems(served.database), unfinished(served)) == ("12", [], [(1,)])
    assert applied()[0] is Exit.DONE
    assert (enrolled(served), problems(served.database)) == ("12345", [])
