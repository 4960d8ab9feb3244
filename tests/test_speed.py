"""What a run costs, counted and not timed, so that a busy machine makes no difference.

Counted are the calls of functions that a clinic more costs, those of Python and those built in: who looks at each
clinic on its own, where whole regions can be compared, is found out here. At the start, modules are counted.
"""

from __future__ import annotations

import selectors
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.clinics import make
from reconciler.cli import main

pytestmark = pytest.mark.usefixtures("unmeasured")

SMALL, LARGE = 2_100, 8_400
GATHERING = (subprocess.__file__, selectors.__file__)
AUTHOR = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]


def run(*arguments: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output


def calls(work: Callable[[], None]) -> int:
    """Count the calls; who measures coverage uses another hook, and is not disturbed.

    Not counted is how git's answer is gathered: it comes in as many pieces as the machine happens to hand on.
    """
    count = 0

    def hook(frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call") and frame.f_code.co_filename not in GATHERING

    before = sys.getprofile()
    sys.setprofile(hook)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def held(work: Callable[[], None]) -> int:
    """Return how many bytes of Python's objects there were at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A small country and one four times as large, both applied."""
    folders = {clinics: tmp_path_factory.mktemp(str(clinics)) for clinics in (SMALL, LARGE)}
    for clinics, folder in folders.items():
        make(folder, clinics)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            run("db", "init")
            run("apply")
            run("plan")  # what is worked out once in a process is worked out
            for arguments in (["init", "-q"], ["add", "config"], [*AUTHOR, "commit", "-qm", "as it is"]):
                subprocess.run(["git", *arguments], check=True)
    return folders


def for_a_clinic_more(countries: dict[int, Path], measure: Callable[[Callable[[], None]], int], *command: str) -> float:
    def measured() -> int:
        run(*command)  # what is loaded once in a process is loaded
        return measure(lambda: run(*command))

    return growth(countries, measured)


def growth(countries: dict[int, Path], measured: Callable[[], int]) -> float:
    found = []
    for folder in countries.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            found.append(measured())
    return (found[1] - found[0]) / (LARGE - SMALL)


CALLS = {
    ("validate",): 0.05,
    ("validate", "--base", "HEAD"): 0.05,
    ("validate", "--live"): 0.1,
    ("plan",): 0.1,
    ("apply",): 0.1,
    ("status",): 0.1,
}
"""How many calls a clinic more may cost where nothing is to be done: a part of one, for all is done in bulk."""


@pytest.mark.parametrize("command", CALLS, ids=" ".join)
def test_a_clinic_more_costs_few_calls(countries: dict[int, Path], command: tuple[str, ...]) -> None:
    assert for_a_clinic_more(countries, calls, *command) <= CALLS[command]


def test_a_clinic_that_is_enrolled_costs_few_calls(countries: dict[int, Path]) -> None:
    def on_an_empty_database() -> int:
        run("--database", "sqlite:///empty.db", "db", "init")
        return calls(lambda: run("--database", "sqlite:///empty.db", "apply"))

    assert growth(countries, on_an_empty_database) <= 72


def test_a_clinic_that_is_enrolled_holds_few_bytes(countries: dict[int, Path]) -> None:
    def on_an_empty_database() -> int:
        run("--database", "sqlite:///bytes.db", "db", "init")
        return held(lambda: run("--database", "sqlite:///bytes.db", "apply"))

    assert growth(countries, on_an_empty_database) <= 640


@pytest.mark.parametrize(("command", "most"), [("validate", 360), ("plan", 570)])
def test_a_clinic_more_holds_few_bytes(countries: dict[int, Path], command: str, most: int) -> None:
    assert for_a_clinic_more(countries, held, command) <= most


# ---- start-up


def modules(*arguments: str) -> int:
    """Return how many modules a run loads beside those of a bare Python."""
    return _loaded(f"sys.argv[1:] = {list(arguments)}; runpy.run_module('reconciler', run_name='__main__')") - _loaded(
        "0"
    )


def _loaded(code: str) -> int:
    script = f"import runpy, sys\ntry: {code}\nexcept SystemExit: pass\nprint(len(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "most"), [(("--version",), 4), (("--help",), 86), (("validate",), 210), (("plan",), 400)]
)
def test_starting_loads_few_modules(arguments: tuple[str, ...], most: int) -> None:
    assert modules(*arguments) <= most
