"""How long the log is kept: what is older is deleted on purpose, and the rest is verified as before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from little_country import CODES, NOW, Country
from made_store import observed, problems, sql

from reconciler import pipeline, store
from reconciler.cli import run
from reconciler.findings import Exit

DAY = timedelta(days=1)
ALL = "SELECT region, sequence FROM change ORDER BY region, sequence"
WHO = "SELECT actor FROM run WHERE status = 'done' ORDER BY id"


@pytest.fixture
def country(tmp_path: object, url: str, monkeypatch: pytest.MonkeyPatch) -> Country:
    """Three days: region 12 changes on the first and the third, 13 on the first, 14 on the second."""
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv("RECONCILER_DATABASE", url)
    made = Country(tmp_path)  # type: ignore[arg-type]
    for number, codes in enumerate((("12", "13"), ("14",), ("12",))):
        for code in codes:
            made.declare(code, 1000 * number + 10 * int(code), 1000 * number + 10 * int(code) + 1)
        made.now = NOW + number * DAY
        applied(made, url)
    return made


def applied(country: Country, url: str) -> None:
    result = pipeline.apply(country.settings._replace(database=url), country.now, "Elsa")
    assert result.exit is Exit.DONE


def test_what_is_old_is_forgotten_and_what_is_left_is_verified(country: Country, url: str) -> None:
    before = observed(url)
    assert store.forget(url, NOW + 2 * DAY, NOW + 9 * DAY) == (4, 2)
    assert sql(url, ALL) == [("12", 3), ("12", 4), ("13", 2), ("14", 2)]
    assert sql(url, WHO) == [("–",), ("–",), ("Elsa",)]
    assert problems(url) == []
    assert observed(url) == before
    assert store.forget(url, NOW + 2 * DAY, NOW + 9 * DAY) == (0, 0)
    assert sql(url, "SELECT count(*) FROM run WHERE status = 'forgot'") == [(1,)]


def test_the_log_goes_on_where_it_was(country: Country, url: str) -> None:
    store.forget(url, NOW + 9 * DAY, NOW + 9 * DAY)
    country.declare("13", 9000)
    country.now = NOW + 10 * DAY
    applied(country, url)
    assert sql(url, ALL) == [("12", 4), ("13", 2), ("13", 3), ("14", 2)]
    assert problems(url) == []
    assert store.forget(url, NOW + 11 * DAY, NOW + 11 * DAY) == (1, 1)
    assert sql(url, ALL) == [("12", 4), ("13", 3), ("14", 2)]
    assert problems(url) == []


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM change WHERE region = '12' AND sequence = 3",
        "UPDATE change SET subject = 'x' WHERE region = '12' AND sequence = 3",
        "DELETE FROM change WHERE region = '12' AND sequence = 4",
        "DELETE FROM change WHERE region = '13'",
        "DELETE FROM run WHERE status = 'forgot'",
    ],
)
def test_what_is_done_to_the_rest_is_found(country: Country, url: str, tampering: str) -> None:
    store.forget(url, NOW + 2 * DAY, NOW + 9 * DAY)
    sql(url, tampering)
    assert problems(url) != []


def test_a_day_that_is_forgotten_cannot_be_asked_for(
    country: Country, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.forget(url, NOW + 2 * DAY, NOW + 9 * DAY)
    assert run(["status", "--at", "2026-05-15"]) == Exit.USAGE
    assert "the log is kept from 2026-05-17 12:00 UTC on" in capsys.readouterr().err
    assert run(["status", "--at", "2026-05-18"]) == Exit.DONE


def test_the_owner_forgets_what_is_older_than_the_setting(
    country: Country, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["db", "forget"]) == Exit.USAGE
    assert "the log is kept for ever" in capsys.readouterr().err
    settings = country.folder / "reconciler.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[log]\nkeep = "1d"\n', encoding="utf-8")
    assert run(["db", "forget"]) == Exit.DONE
    assert "5 changes are deleted, and who was behind 3 runs" in capsys.readouterr().err
    assert sql(url, "SELECT count(*) FROM change") == [(len(CODES),)]
    assert problems(url) == []
    run(["status"])
    assert "last run: 3 by –" in capsys.readouterr().out


@pytest.mark.parametrize("keep", ['"0d"', '"ever"', "10"])
def test_no_time_at_all_is_no_setting(country: Country, keep: str) -> None:
    settings = country.folder / "reconciler.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"[log]\nkeep = {keep}\n", encoding="utf-8")
    assert run(["db", "forget"]) == Exit.SETTINGS
