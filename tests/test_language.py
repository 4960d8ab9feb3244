"""Which language is spoken, who decides, and that everything a person reads is in it, click's own words too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import Said, edit, example  # noqa: F401  (the fixture)

from reconciler.cli import commands, main
from reconciler.cli.database import db
from reconciler.cli.language import choose, sayings
from reconciler.findings import Exit
from reconciler.report.terminal import moment
from reconciler.rules.registry import RULES
from reconciler.words import _, ngettext, number, speak, tenths

ROOT = Path(__file__).parent.parent

# ---- who decides


@pytest.mark.parametrize(
    ("arguments", "environ", "setting", "language"),
    [
        (("--lang", "en", "plan"), {"RECONCILER_LANG": "sv"}, "sv", "en"),
        (("--lang=sv", "plan"), {"RECONCILER_LANG": "en"}, "en", "sv"),
        (("plan",), {"RECONCILER_LANG": "sv", "LANG": "en_US.UTF-8"}, "en", "sv"),
        (("plan",), {"LANG": "sv_SE.UTF-8"}, "en", "en"),
        (("plan",), {"LANG": "C"}, "sv", "sv"),
        (("plan",), {"LANG": "sv_SE.UTF-8"}, None, "sv"),
        (("plan",), {"LANG": "sv_SE.UTF-8", "LC_ALL": "C.UTF-8"}, None, "en"),
        (("plan",), {"LANGUAGE": "sv:en", "LANG": "en_US.UTF-8"}, None, "sv"),
        (("plan",), {"LANG": "svx"}, None, "en"),
        (("plan",), {}, None, "en"),
        (("--lang", "de", "plan"), {"LANG": "sv_SE"}, None, "sv"),
        (("--lang",), {}, None, "en"),
    ],
)
def test_flag_wins_over_environment_over_settings_over_locale(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    setting: str | None,
    language: str,
) -> None:
    if setting:
        (tmp_path / "reconciler.toml").write_text(f"lang = '{setting}'  # ours\n[register]\nlang = 'no'\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert choose(arguments, environ) == language


def test_the_settings_that_are_named_decide(tmp_path: Path) -> None:
    named = tmp_path / "a.toml"
    named.write_text('[register]\nsource = "file"\nlang = "sv"\n')
    assert choose(("--settings", str(named)), {}) == "en", "a key of another table is another key"
    named.write_bytes('\ufefflang = "sv"\n'.encode())
    assert choose(("--settings", str(named)), {}) == "sv"
    assert choose((), {"RECONCILER_SETTINGS": str(named)}) == "sv"
    assert choose(("--settings", str(tmp_path / "gone.toml")), {}) == "en"
    named.write_bytes(b"\xff")
    assert choose(("--settings", str(named)), {}) == "en"


def test_a_language_that_is_not_spoken_is_wrong_usage_or_a_wrong_setting(
    example: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Said("--lang", "de", "validate").code == Exit.USAGE
    monkeypatch.setenv("RECONCILER_LANG", "de")
    said = Said("validate")
    assert (said.code, "RECONCILER_LANG: de should be one of: sv, en" in said.err) == (Exit.SETTINGS, True)


# ---- what is said


def test_one_run_speaks_swedish_and_the_next_english(example: Path) -> None:  # noqa: F811
    assert Said("--lang", "sv", "validate").out == "21 regioner, 660 mottagningar: inget att anmärka\n"
    assert Said("--lang", "en", "validate").out == "21 regions, 660 clinics: nothing is wrong\n"


COMMANDS = [(), *((name,) for name in commands()), *(("db", name) for name in db.commands)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_is_all_in_swedish(path: tuple[str, ...]) -> None:
    said = Said("--lang", "sv", *path, "--help").out
    assert said.startswith("Användning: reconciler")
    assert "Visa den här hjälpen och avsluta." in said
    assert re.findall(r"\b(Usage|Options|Commands|Show|Only|the|of|and|OPTIONS|COMMAND)\b", said) == []


def test_click_speaks_swedish_too() -> None:
    assert Said("--lang", "sv", "validat").err == (
        "Användning: reconciler [FLAGGOR] KOMMANDO [ARGUMENT]...\nHjälp: reconciler --help\n\n"
        "Fel: Kommandot 'validat' finns inte. Menade du 'validate'?\n"
    )
    assert (
        "ogiltigt värde för '--format': 'xml' är ingen av 'text'"
        in Said("--lang", "sv", "status", "--format", "xml").err
    )
    assert "Argument saknas" in Said("--lang", "sv", "explain").err
    assert "Flaggan '--region' kräver ett värde." in Said("--lang", "sv", "plan", "--region").err
    assert "Error: No such command 'plann'." in Said("--lang", "en", "plann").err


def test_every_saying_of_a_command_is_known_before_any_is_translated() -> None:
    before = set(sayings(main))
    Said("--lang", "sv", "--help")
    assert set(sayings(main)) == before
    assert "Settings file; else reconciler.toml here or in a folder above." in before


def test_help_is_english_after_it_was_swedish_too() -> None:
    say = "from reconciler.cli import run; [run(['--lang', lang, 'plan', '--help']) for lang in ('sv', 'en')]"
    said = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True).stdout
    assert "Bara den här regionen; kan anges flera gånger." in said.partition("Usage:")[0]
    assert "Only this region; can be repeated." in said.partition("Usage:")[2]
    assert "Show this message and exit." in said.partition("Usage:")[2]


def test_json_keeps_its_keys_and_rules_and_speaks_in_problem_and_remedy(example: Path) -> None:  # noqa: F811
    edit(example / "config/regions/14-vastra-gotaland.yaml", "name: Västra Götalandsregionen", "name: VGR")
    (swedish,) = Said("--lang", "sv", "validate", "--format", "json").json()["findings"]
    (english,) = Said("--lang", "en", "validate", "--format", "json").json()["findings"]
    assert swedish["problem"] == "region 14 heter Västra Götalandsregionen, inte VGR"
    assert english["problem"] == "region 14 is called Västra Götalandsregionen, not VGR"
    same = english.keys() - {"problem", "remedy"}
    assert {key: swedish[key] for key in same} == {key: english[key] for key in same}


def test_what_is_counted_has_the_form_of_its_number() -> None:
    speak("sv")
    assert [ngettext("{n} clinic", "{n} clinics", n).format(n=n) for n in (0, 1, 2)] == [
        "0 mottagningar",
        "1 mottagning",
        "2 mottagningar",
    ]
    assert _("drift") == "avvikelse"
    speak("en")
    assert _("drift") == "drift"


@pytest.mark.parametrize(
    ("count", "english", "swedish"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (9999, "9,999", "9999"),
        (12000, "12,000", "12 000"),
        (1200000, "1,200,000", "1 200 000"),
    ],
)
def test_numbers_are_written_as_people_write_them(count: int, english: str, swedish: str) -> None:
    assert number(count) == english
    speak("sv")
    assert number(count) == swedish


def test_tenths_are_written_as_people_write_them() -> None:
    assert tenths(0.25) == "0.2"
    speak("sv")
    assert tenths(58.75) == "58,8"


def test_times_are_those_of_a_clock_in_stockholm() -> None:
    assert moment("2026-05-01T12:00:02.123+00:00") == "2026-05-01 14:00"
    assert moment("2026-12-31T23:30:00+00:00") == "2027-01-01 00:30"
    assert moment(None) == "–"


# ---- explain


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_explained_in_both_languages(rule: str, language: str) -> None:
    said = Said("--lang", language, "explain", rule)
    assert (said.code, said.err) == (0, "")
    assert ("åtgärd: " if language == "sv" else "remedy: ") in said.out


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("code", list(Exit), ids=int)
def test_every_exit_code_is_explained_in_both_languages(code: Exit, language: str) -> None:
    said = Said("--lang", language, "explain", str(int(code)))
    assert said.out.startswith(f"{'slutkod' if language == 'sv' else 'exit code'} {int(code)}: ")
    document = Said("--lang", language, "explain", str(int(code)), "--format", "json").json()
    assert document["exit"] == code


def test_a_number_that_is_no_exit_code_is_wrong_usage() -> None:
    said = Said("--lang", "sv", "explain", "99")
    assert (said.code, "99 är varken en regel, en slutkod eller ett HSA-id" in said.err) == (64, True)


def test_the_readme_says_of_an_exit_code_what_explain_says() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE)
    told = {code: Said("explain", code, "--format", "json").json()["meaning"] for code, _text in rows}
    assert {code: text.replace("`", "") for code, text in rows} == told


# ---- in the shell


def completed(words: str, language: str = "en") -> list[list[str]]:
    """Return what the shell would offer after *words*: kind, text and help of each."""
    count = str(len(words.split(" ")) - 1)
    environ = {
        **os.environ,
        "_RECONCILER_COMPLETE": "zsh_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": count,
        "RECONCILER_LANG": language,
    }
    command = [sys.executable, "-c", "from reconciler.__main__ import main; main()"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    return [lines[n : n + 3] for n in range(0, len(lines), 3)]


def test_the_shell_completes_regions_rules_and_exit_codes() -> None:
    assert completed("reconciler plan --region 1")[0] == ["plain", "10", "Region Blekinge"]
    assert [text for _kind, text, _help in completed("reconciler explain clinic-not-act")] == ["clinic-not-active"]
    assert completed("reconciler explain 6", "sv")[0] == ["plain", "64", "fel användning"]
    assert completed("reconciler va", "sv")[0][:2] == ["plain", "validate"]
    assert completed("reconciler va", "sv")[0][2].startswith("Visa alla fel i alla regionfiler")
