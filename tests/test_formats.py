"""A result is said in several formats in one run; what stands in files is data in all of them, whatever it holds."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from golden_situations import FILE, SITUATIONS, edited, made
from hypothesis import example, given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from made_results import FAILED, FAILURE, FULL, UNPLACED, finding, planned
from readers import broken_rules_of, commands, markdown_tokens
from test_cli import ROOT, Said

from reconciler.findings import Finding, Place
from reconciler.report import escapes, formats
from reconciler.report import json as report
from reconciler.report.excerpt import places_of
from reconciler.report.github import outputs
from reconciler.report.markdown import cut, markdown
from reconciler.report.terminal import console, line
from reconciler.results import Planned, Validation
from reconciler.rules import clinic
from reconciler.rules.registry import RULES

HOSTILE = st.text(
    st.one_of(
        st.sampled_from(list("|`*_[]()<>&!#@:%,\\\r\n\t\x1b\x07\0\u202e\u2028{}$~-+.'\"= ")),
        st.characters(codec="utf-8"),
    ),
    max_size=40,
)
BREAKERS = (
    "::error::x",
    "##[add-path]x",
    "%0A::error::x",
    "x\r\n::stop-commands::y",
    "</details>",
    "<!-- ",
    "| x |\n|---|",
    "```\n</details>",
    "![x](http://x.example/y.png)",
    "@octocat #12 gh-1 http://x.example www.x.example :tada:",
    "]]></failure>",
    "&amp;&#64;",
    "\x1b[31m\x9b\x07",
    "\\",
    "[x](1) {0}",
)


def with_names(text: str) -> Planned:
    """Return a plan in which whatever comes from files and registers is *text*."""
    place = Place(text or "x", 3, 1, 3, 2, text)
    found = Finding(clinic.duplicate_clinic, place, "14", text, (place,), values={"others": text})
    result = planned(findings=(found,))
    regions = tuple(one._replace(name=text) for one in result.regions)
    return Planned(regions, (found,), FULL.failures, FULL.changes, world=FULL.world, judged=FULL.judged)


def said(form: str, result: Planned) -> str:
    return formats.made(form, "plan", report.plan(result), places_of(result.findings))


def breakers(test: Any) -> Any:
    for text in BREAKERS:
        test = example(text)(test)
    return settings(deadline=None)(test)


# ---- what stands in files is data


@breakers
@given(HOSTILE)
def test_no_text_breaks_out_of_any_format(text: str) -> None:
    for form in ("sarif", "junit", "github", "markdown"):
        assert broken_rules_of(form, said(form, with_names(text))) == []


@breakers
@given(HOSTILE)
def test_a_workflow_command_says_what_was_meant_and_nothing_else(text: str) -> None:
    (command,) = [one for one in commands(said("github", with_names(text))) if one["level"] == "error"]
    shown = "\n".join(map(escapes.escape, (text or "x").split("\n")))
    assert command["file"] == shown
    assert command["title"] == "duplicate-clinic"


@breakers
@given(HOSTILE)
def test_markdown_shows_the_text_as_it_is(text: str) -> None:
    tokens = markdown_tokens(f"| head |\n|---|\n| x{escapes.markdown(text)}x |\n")
    cells = [token.content for token in tokens if token.type == "inline"]
    assert len(cells) == 2
    kinds = {token.type for token in tokens if token.content and token.type != "inline"}
    assert kinds <= {"text", "text_special"}
    (inline,) = [token for token in tokens if token.type == "inline" and token.content != "head"]
    shown = "".join(child.content for child in inline.children).replace("\u200b", "")
    assert shown == f"x{escapes.escape(text)}x".replace("\u200b", "")


@breakers
@given(HOSTILE)
def test_junit_is_xml_and_holds_the_text(text: str) -> None:
    root = ET.fromstring(said("junit", with_names(text)))
    (case,) = root.iter("failure")
    assert case.attrib["message"].startswith(escapes.escape(text))


@breakers
@given(HOSTILE)
def test_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    printed = said("text", with_names(text))
    assert all(one.isprintable() for one in printed if one != "\n")


@given(HOSTILE)
def test_a_fence_is_closed_by_nothing_inside(text: str) -> None:
    fence = escapes.fence(text)
    assert fence not in text
    assert len(fence) >= 3


def test_nobody_is_mentioned_and_nothing_is_linked() -> None:
    shown = escapes.markdown("@octocat #12 GH-7 http://x.example www.x.example :tada: 9:3:")
    assert shown == (
        "@&#8203;octocat #&#8203;12 GH-&#8203;7 http:&#8203;//x.example www&#8203;.x.example :&#8203;tada: 9:3:"
    )


def test_a_message_of_sarif_has_no_link_and_no_argument() -> None:
    assert escapes.sarif("[x](1) [y] {0} {name}") == r"\[x](1) [y] {{0}} {name}"


def test_in_a_job_the_log_takes_no_command_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(one for one in SITUATIONS if one.name == "a name and a file that want to break out"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for arguments in (["validate"], ["plan"], ["status"]):
        lines = Said(*arguments).out.splitlines()
        assert lines[0].startswith("::stop-commands::")
        word = lines[0].removeprefix("::stop-commands::")
        end = lines.index(f"::{word}::")
        assert word not in "".join(lines[1:end])
        assert all(one.startswith("::error ") for one in lines[end + 1 :])


def test_what_is_talked_of_beside_the_result_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    heard = Said("--settings", "\x1b[31m.toml", "validate").err
    assert "\x1b" not in heard
    assert r"\x1b[31m.toml" in heard


def test_what_is_talked_of_is_no_command_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert r"##\[add-path]x.toml" in Said("--settings", "##[add-path]x.toml", "validate").err
    assert escapes.log_line("  ::error::x ##[y]") == r"  \::error::x ##\[y]"


# ---- several formats in one run


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made(next(one for one in SITUATIONS if one.name == "more faults than are shown"))
    return tmp_path


def test_one_run_says_it_in_several_formats(country: Path) -> None:
    heard = Said("validate", "--format", "text", "--format", "sarif=out.sarif", "--format", "junit=out.xml")
    assert heard.code == 1
    assert heard.out.endswith("14 errors\n")
    assert len(json.loads(Path("out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]) == 14
    assert JUnitXml.fromfile("out.xml").failures == 14


def test_with_files_alone_nothing_is_printed(country: Path) -> None:
    assert Said("validate", "--format", "text=out.txt").out == ""
    assert Path("out.txt").read_text(encoding="utf-8") == Said("validate").out


def test_commands_of_a_job_stand_beside_another_format(country: Path) -> None:
    heard = Said("validate", "--format=json", "--format=github").out
    assert heard.startswith("{")
    assert heard.endswith("::notice title=reconciler::4 findings more: see the log and the summary\n")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("sarfi", "sarfi is not a format: use one of text, json"),
        ("sarfi", "did you mean sarif?"),
        ("xyzzy", "xyzzy is not a format"),
        ("json=", "json= lacks the file"),
    ],
)
def test_a_wrong_format_is_wrong_usage(country: Path, value: str, told: str) -> None:
    heard = Said("validate", "--format", value)
    assert (heard.code, told in heard.err) == (64, True)


def test_two_formats_to_stdout_are_wrong_usage(country: Path) -> None:
    heard = Said("validate", "--format", "json", "--format", "sarif")
    assert (heard.code, "write sarif=FILE" in heard.err) == (64, True)


def test_a_file_that_cannot_be_written_is_told_when_all_else_is_said(country: Path) -> None:
    heard = Said("validate", "--format", "json=nowhere/out", "--format", "text", "--format", "junit=out.xml")
    assert heard.code == 64
    assert "nowhere/out cannot be written: it is not there" in heard.err
    assert heard.out.endswith("14 errors\n")
    assert JUnitXml.fromfile("out.xml").failures == 14


def test_what_is_read_no_more_is_no_failure(country: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = f"{sys.executable} -m reconciler validate --format json | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("1\n", "")


# ---- in a job of GitHub


def test_a_job_gets_text_commands_summary_and_outputs_by_itself(country: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    monkeypatch.setenv("GITHUB_OUTPUT", "output")
    Path("summary.md").write_text("# Before\n", encoding="utf-8")
    heard = Said("validate")
    assert heard.code == 1
    assert heard.out.count("\n::error ") == 10
    summary = Path("summary.md").read_text(encoding="utf-8")
    assert summary.startswith("# Before\n## 1 region, 1 clinic: 14 errors\n")
    assert "<details><summary>14 findings</summary>" in summary
    assert Path("output").read_text(encoding="utf-8") == "errors=14\nwarnings=0\nnotes=0\nfailures=0\n"


def test_a_plan_hands_on_its_fingerprint() -> None:
    assert outputs(report.plan(FULL)).endswith("changes=8\nfingerprint=sha256:print\n")


def test_ten_of_each_level_are_shown_and_the_last_tells_how_many_more() -> None:
    severities = {rule.severity.value: rule for rule in RULES.values()}
    found = tuple(severities[level].finding(Place(f"{n}.yaml")) for level in severities for n in range(12))
    result = Validation(tuple(_filled(one) for one in found), (FAILURE,), 1, 1)
    told = commands(formats.made("github", "validate", report.validate(result), {}))
    levels = [one["level"] for one in told]
    assert [levels.count(level) for level in ("error", "warning", "notice")] == [10, 10, 10]
    assert told[0]["title"] == "register: stale"
    assert told[-1]["message"] == "8 findings more: see the log and the summary"


def _filled(one: Finding) -> Finding:
    class Anything(dict[str, object]):
        def __missing__(self, key: str) -> str:
            return key

    return Finding(RULES["routes-without-parents"], one.place) if not one.rule.problem else _plain(one, Anything())


def _plain(one: Finding, values: dict[str, object]) -> Finding:
    names = re.findall(r"\{(\w+)", one.rule.problem + one.rule.remedy)
    return Finding(one.rule, one.place, values={**dict.fromkeys(names, "x"), **values})


def test_what_the_base_has_is_counted_and_not_shown_on_its_line(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(one for one in SITUATIONS if one.name == "a fault that the base has, and a new one"))
    new, last = commands(Said("validate", "--base", "HEAD", "--format", "github").out)
    assert (new["file"], new["line"]) == ("config/regions/12-skane.yaml", "9")
    assert last["message"] == "1 already on the base: see the log and the summary"


# ---- over time


def test_a_fingerprint_stays_when_the_line_moves_and_changes_with_the_fault(country: Path) -> None:
    def prints() -> list[str]:
        log = json.loads(Said("validate", "--format", "sarif").out)
        return [one["partialFingerprints"]["reconciler/v1"] for one in log["runs"][0]["results"]]

    before = prints()
    edited(FILE, "version: 1", "# a line\n# and one more\nversion: 1")
    assert prints() == before
    edited(FILE, "SE232100O131-E000000000003", "SE232100O131-E000000000099")
    assert [old == new for old, new in zip(before, prints(), strict=True)].count(False) == 1


def test_the_base_is_told_to_who_reads_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made(next(one for one in SITUATIONS if one.name == "a fault that the base has, and a new one"))
    log = json.loads(Said("validate", "--base", "HEAD", "--format", "sarif").out)
    assert [one["baselineState"] for one in log["runs"][0]["results"]] == ["new", "unchanged"]


# ---- a plan, a failure, what has no place


@pytest.mark.parametrize("result", [FULL, FAILED, planned(), planned(findings=(UNPLACED, UNPLACED))])
@pytest.mark.parametrize("form", ["sarif", "gitlab", "junit", "github", "markdown"])
def test_a_plan_is_said_in_every_format(form: str, result: Planned) -> None:
    assert broken_rules_of(form, said(form, result)) == []


def test_a_source_that_does_not_answer_is_no_silence() -> None:
    assert json.loads(said("gitlab", FAILED))[0]["severity"] == "blocker"
    assert not json.loads(said("sarif", FAILED))["runs"][0]["invocations"][0]["executionSuccessful"]
    assert JUnitXml.fromstring(said("junit", FAILED).encode()).errors == 1
    assert commands(said("github", FAILED))[0]["title"] == "register: stale"
    assert "the register is 40 hours old" in said("markdown", FAILED)
    one_failed = report.validate(Validation((), (FAILURE,), 1, 1))
    assert "as far as could be checked, nothing is wrong" in markdown(one_failed)


def test_a_file_outside_of_the_clone_has_an_address_of_its_own() -> None:
    found = clinic.duplicate_clinic.finding(Place("/å/14.yaml", 1, 1, 1, 2, "x"), subject="x", others="y")
    log = json.loads(formats.made("sarif", "validate", report.validate(Validation((found,), (), 1, 1)), {}))
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": "file:///%C3%A5/14.yaml"}


# ---- as long as GitHub takes


def test_a_comment_is_cut_and_what_is_open_is_closed() -> None:
    row = "| " + "x" * 100 + " |\n"
    text = "## head\n\n<details><summary>x</summary>\n\n" + row * 1000 + "\n</details>\n"
    short = cut(text, 60_000)
    assert 55_000 < len(short) <= 60_000
    assert short.endswith("\n</details>\n\n**Cut here: 436 lines more; the report as text or JSON has all.**\n")
    assert broken_rules_of("markdown", short) == []


def test_a_comment_is_cut_inside_of_a_fence_too() -> None:
    text = "````\n```\n" + "</details>\n" * 10_000 + "````\n"
    assert "\n````\n\n**Cut here: " in cut(text, 60_000)
    whole = "```\nx\n```\n"
    assert cut(whole + "y\n" * 40_000, 60_000).count("```") == 2
    assert cut(whole, 60_000) == whole


def test_the_first_plan_of_the_country_fits_in_a_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    text = Said("plan", "--format", "markdown").out
    assert text.startswith("## 668 changes: 660 enrol, 8 set board\n")
    assert len(text) <= 60_000
    assert broken_rules_of("markdown", text) == []


def test_a_line_of_text_is_one_line() -> None:
    stream = io.StringIO()
    line(console(stream), "a\nb\x1b")
    assert stream.getvalue() == "a\\nb\\x1b\n"


def test_a_finding_of_the_base_is_skipped_in_junit() -> None:

    result = Validation((finding()._replace(new=False), UNPLACED), (), 1, 1)
    read = JUnitXml.fromstring(formats.made("junit", "validate", report.validate(result), {}).encode())
    assert (read.tests, read.skipped, read.failures) == (3, 1, 0)
