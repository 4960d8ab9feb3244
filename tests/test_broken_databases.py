"""What goes wrong with a database while apply runs is told with what to do about it, and leaves each region whole."""

import contextlib
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from little_country import NOW, Country, board, verdicts
from made_store import observed, problems, sql
from sqlalchemy import Connection, Engine, event

from reconciler import doctor, pipeline, store
from reconciler.findings import Exit, Failure
from reconciler.model import Settings
from reconciler.results import Applied

NOBODY = 65534


@pytest.fixture
def country(tmp_path: Path) -> Country:
    country = Country(tmp_path)
    country.boards["14"] = board("14")
    country.declare("12", 1, 2)
    country.declare("14", 3, 4, 5)
    return country


def at(country: Country, url: str) -> Settings:
    return country.settings._replace(database=url)


def told(result: Applied | Failure) -> tuple[str, str]:
    """The one thing that is told: what is wrong, and what to do."""
    [failure] = result.planned.failures if isinstance(result, Applied) else [result]
    assert failure.exit is Exit.UNANSWERED
    return failure.problem, failure.remedy


def applied(settings: Settings) -> Applied | Failure:
    try:
        return pipeline.apply(settings, NOW, "somebody")
    except Failure as failure:
        return failure


def in_a_child(work: Callable[[], object]) -> None:
    """Do it in a process of its own, which may then be limited; what it asserts counts."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---- a file


def test_a_full_disk_undoes_the_region_and_the_next_run_goes_on(country: Country) -> None:
    country.declare("13", *range(1000, 3000))
    file = country.folder / "reconciler.db"

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 60_000,) * 2)
        result = applied(country.settings)
        assert "make room on its disk" in told(result)[1]
        assert isinstance(result, Applied)
        assert verdicts(result) == {"12": "applied", "13": "failed", "14": "not-attempted"}

    in_a_child(full)
    assert problems(country.settings.database) == []
    assert pipeline.apply(country.settings, NOW, "somebody").applied == 2004


@pytest.mark.parametrize("writable", ["neither", "file"])
def test_a_file_or_folder_that_may_only_be_read_is_told_so(country: Country, writable: str) -> None:
    file = country.folder / "reconciler.db"
    pipeline.plan(country.settings, NOW)  # all that is imported late is imported now: nobody may not read it then
    opened = [folder for folder in file.parents if folder.owner() == file.owner() and len(folder.parts) > 2]
    with open_to_all(opened, country.folder):
        file.chmod(0o666 if writable == "file" else 0o444)
        country.folder.chmod(0o555)

        def unable() -> None:
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            assert len(pipeline.plan(country.settings, NOW).changes) == 6
            problem, remedy = told(applied(country.settings))
            assert "attempt to write a readonly database" in problem
            assert "a file and the folder that holds it" in remedy

        in_a_child(unable)
        country.folder.chmod(0o755)
    assert observed(country.settings.database).clinics == {}


@contextlib.contextmanager
def open_to_all(folders: list[Path], inside: Path) -> Iterator[None]:
    """Let anybody read what is *inside*, and go through the *folders* above."""
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in folders}
    for path in (*folders, *inside.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield
    for folder, mode in before.items():
        folder.chmod(mode)


@pytest.mark.parametrize("content", [b"x" * 5000, None])
def test_a_file_that_is_damaged_is_to_be_restored(country: Country, content: bytes | None) -> None:
    file = country.folder / "reconciler.db"
    file.write_bytes(content or file.read_bytes()[:5000])
    assert "restore it from a backup" in told(applied(country.settings))[1]


def test_a_folder_is_no_database_and_none_is_made_up(country: Country) -> None:
    (country.folder / "reconciler.db").unlink()
    (country.folder / "reconciler.db").mkdir()
    [failure] = pipeline.plan(country.settings, NOW).failures
    assert "unable to open database file" in failure.problem


def test_a_file_that_is_deleted_between_two_regions_stops_the_rest(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = store.settle_region

    def settle_region(engine: Engine, run: int, code: str, *rest: object, **more: object) -> store.Done:
        if code == "14":
            (country.folder / "reconciler.db").unlink()
        return really(engine, run, code, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "settle_region", settle_region)
    result = applied(country.settings)
    assert isinstance(result, Applied)
    assert verdicts(result) == {"12": "applied", "13": "unchanged", "14": "failed"}
    assert (result.exit, "unable to open" in result.planned.failures[0].problem) == (Exit.UNANSWERED, True)
    assert not (country.folder / "reconciler.db").exists()


# ---- a server


@contextlib.contextmanager
def before_statement(words: str, act: Callable[[Connection], None]) -> Iterator[None]:
    """Do something once, just before a statement that holds these *words* is sent."""
    done = []

    def step(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if words in statement and not done:
            done.append(statement)
            act(connection)

    event.listen(Engine, "before_cursor_execute", step)
    yield
    event.remove(Engine, "before_cursor_execute", step)
    assert done


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("words", ["FOR UPDATE", "COPY complaints_clinic", "COPY managed_clinic", "COPY change"])
def test_a_connection_that_is_cut_in_a_region_undoes_it(country: Country, url: str, words: str) -> None:
    def cut(connection: Connection) -> None:
        backend = connection.connection.driver_connection.info.backend_pid
        sql(url, f"SELECT pg_terminate_backend({backend})")

    with before_statement(words, cut):
        result = applied(at(country, url))
    assert "it was stopped or started meanwhile" in told(result)[1]
    assert isinstance(result, Applied)
    assert verdicts(result) == {"12": "failed", "13": "unchanged", "14": "not-attempted"}
    assert observed(url).clinics == {}
    assert pipeline.apply(at(country, url), NOW, "somebody").applied == 6
    assert problems(url) == []


@pytest.mark.parametrize("database", ["postgresql"])
def test_what_takes_too_long_for_the_server_is_undone_and_told(country: Country, url: str) -> None:
    sql(url, "CREATE FUNCTION slow() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(9); RETURN NEW; END' LANGUAGE plpgsql")
    sql(url, "CREATE TRIGGER slow AFTER INSERT ON complaints_clinic FOR EACH ROW EXECUTE FUNCTION slow()")
    hasty = f"{url}%20-cstatement_timeout%3D200"
    assert "statement_timeout" in told(applied(at(country, hasty)))[1]
    assert observed(url).clinics == {}


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("53100", "make room on its disk"),
        ("25006", "no copy that can only be read"),
        ("42501", "reconciler db grants"),
        ("57014", "statement_timeout"),
        ("57P01", "run again when it is up"),
        ("XX000", "see that it is up"),
    ],
)
def test_what_the_server_says_has_its_remedy(country: Country, url: str, code: str, remedy: str) -> None:
    body = f"CREATE FUNCTION no() RETURNS trigger AS 'BEGIN RAISE SQLSTATE ''{code}''; END' LANGUAGE plpgsql"
    sql(url, body)
    sql(url, "CREATE TRIGGER no BEFORE INSERT ON complaints_clinic FOR EACH ROW EXECUTE FUNCTION no()")
    assert remedy in told(applied(at(country, url)))[1]
    assert observed(url).clinics == {}


def test_regions_of_which_the_service_writes_the_codes_in_another_way_are_told_before_anything_is_done(
    country: Country, url: str
) -> None:
    sql(url, "UPDATE complaints_region SET region_code = 'SE-' || region_code WHERE region_code IN ('12', '14')")
    missing = "the table complaints_region has no row for regions 12, 14"
    remedy = "see how the codes of regions are written there: 01 to 25 are meant; if the row is gone, put it back"
    assert pipeline.check_database(at(country, url)) == [f"{missing}\n    {remedy}"]
    [looked_at] = [one for one in doctor.examine(at(country, url), NOW).checks if one.subject == "database"]
    assert (looked_at.said, looked_at.remedy, looked_at.exit) == (missing, remedy, Exit.SETTINGS)


def test_the_row_of_a_region_that_is_gone_is_not_made_up(country: Country, url: str) -> None:
    sql(url, "DELETE FROM complaints_region WHERE region_code = '14'")
    result = applied(at(country, url))
    assert isinstance(result, Applied)
    assert (verdicts(result)["14"], result.exit) == ("failed", Exit.SETTINGS)
    assert verdicts(result)["12"] == "applied"
    [failure] = result.planned.failures
    assert (failure.problem, failure.remedy) == (
        "the table complaints_region has no row for region 14",
        "see how the codes of regions are written there: 01 to 25 are meant; if the row is gone, put it back",
    )
    assert observed(url).clinics.keys() == set(country.clinics["12"])
