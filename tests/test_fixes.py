"""A fix is offered where it is safe: put in place as GitHub does it, the file lacks the fault and has no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from little_country import clinic
from readers import broken_rules_of, markdown_tokens
from test_cli import Said
from test_review import Clone, clone  # noqa: F401  (the fixture)

from reconciler.findings import Place
from reconciler.fixes import _Edit, _edit, _tried
from reconciler.report import escapes
from reconciler.rules.registry import RULES

FIRST = "  SE2321000131-E000000000001: En mottagning"


def review(*arguments: str) -> dict[str, Any]:
    said = Said("review", "--base", "main", "--format", "github-review", *arguments)
    return json.loads(said.out)


def suggestions(body: dict[str, Any]) -> list[tuple[str, int, str]]:
    found = []
    for comment in body["comments"]:
        match = re.search(r"^(`{3,})suggestion\n(.*)\n\1$", comment["body"], re.MULTILINE | re.DOTALL)
        assert match, comment
        found.append((comment["path"], comment["line"], match[2]))
    return found


def put_in_place(folder: Path, body: dict[str, Any]) -> None:
    """Do what GitHub does when somebody presses the button of every suggestion."""
    for path, line, text in suggestions(body):
        file = folder / path
        lines = file.read_bytes().decode().split("\n")
        ending = "\r" if lines[line - 1].endswith("\r") else ""
        lines[line - 1] = text + ending
        file.write_bytes("\n".join(lines).encode())


SAFE = {
    "blanks in an id": (FIRST, "  SE2321000131 - E000000000001: En mottagning", FIRST),
    "no-break spaces": (FIRST, "\u00a0\u00a0SE2321000131-E000000000001:\u202fEn mottagning", FIRST),
    "an invisible blank": (FIRST, "  SE2321000131-E000000\u200b000001: En mottagning", FIRST),
    "a tab": (FIRST, "\tSE2321000131-E000000000001: En mottagning", FIRST),
    "the letter O for a zero": (FIRST, "  SE2321OO0131-E000000000001: En mottagning", FIRST),
    "a dash for a hyphen": (FIRST, "  SE2321000131–E000000000001: En mottagning", FIRST),
    "an id in lower case": (FIRST, "  se2321000131-e000000000001: En mottagning", FIRST),
    "a digit too many": (FIRST, "  SE23210000131-E000000000001: En mottagning", FIRST),
    "a key in Swedish": ("clinics:", "mottagningar:", "clinics:"),
    "a misspelt key": ("patient_board:", "patient_bord:", "patient_board:"),
    "a region by its name": ('region: "12"', "region: Region Skåne", 'region: "12"'),
    "curly quotes": (FIRST, "  SE2321000131-E000000000001: “En mottagning”", f'{FIRST[:30]}"En mottagning"'),
    "a colon left out": (FIRST, "  SE2321000131-E000000000001 En mottagning", FIRST),
    "a blank left out": (FIRST, "  SE2321000131-E000000000001:En mottagning", FIRST),
    "a text that begins with a sign": (FIRST, f"{FIRST[:30]}@En mottagning", f'{FIRST[:30]}"@En mottagning"'),
    "an id and a name in each other's place": (FIRST, "  En mottagning: SE2321000131-E000000000001", FIRST),
    "a colon in a name": (FIRST, f"{FIRST}: nu", f'{FIRST[:30]}"En mottagning: nu"'),
}


@pytest.mark.parametrize("name", SAFE)
def test_what_is_safe_is_offered_and_helps(clone: Clone, name: str) -> None:  # noqa: F811
    before, typed, after = SAFE[name]
    clone.edit("12", before, typed)
    body = review()
    assert [text for _path, _line, text in suggestions(body)] == [after]
    put_in_place(clone.folder, body)
    assert Said("validate").code == 0
    assert Said("review", "--base", "main", "--format", "json").json()["fixes"] == []


def test_a_clinic_that_the_e_services_know_is_offered_by_its_id(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", 778899)
    clone.edit("13", clinic(778899), clinic(778898))
    body = review("--live")
    assert suggestions(body) == [("config/regions/13-region.yaml", 6, f"  {clinic(778899)}: En mottagning")]
    put_in_place(clone.folder, body)
    assert Said("validate", "--live").code == 0


def test_of_two_fixes_of_one_id_that_of_the_register_counts(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", 778899)
    clone.edit("13", clinic(778899), "SE2321000132-E000000778898")
    body = review("--live")
    assert [text for _path, _line, text in suggestions(body)] == [f"  {clinic(778899)}: En mottagning"]


def test_the_faults_of_a_line_are_one_fix(clone: Clone) -> None:  # noqa: F811
    clone.edit("13", "patient_board: null", "patient_board: {hsaid: SE2321000131-PN13, namn: Nämnden, order: X-13}")
    body = review()
    right = "patient_board: {hsa_id: SE2321000131-PN13, name: Nämnden, support_order: X-13}"
    assert [text for _path, _line, text in suggestions(body)] == [right]
    (comment,) = body["comments"]
    assert comment["body"].startswith("hsaid is not a key that belongs here\nnamn is not")


def test_an_id_in_lower_case_that_is_another_clinics_is_put_right_at_once(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", 778899)
    clone.edit("13", clinic(778899), clinic(778898).lower())
    assert [text for _path, _line, text in suggestions(review("--live"))] == [f"  {clinic(778899)}: En mottagning"]


def test_windows_line_ends_stay(clone: Clone) -> None:  # noqa: F811
    clone.edit("12", FIRST, FIRST.lower().replace("en mot", "En mot"))
    file = clone.file("12")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    body = review()
    assert suggestions(body) == [("config/regions/12-region.yaml", 9, FIRST)]
    put_in_place(clone.folder, body)
    assert file.read_bytes().count(b"\r\n") == file.read_bytes().count(b"\n")


def test_what_is_safe_beside_what_is_not_is_offered_alone(clone: Clone) -> None:  # noqa: F811
    clone.edit("12", FIRST, "  SE2321OO0131-E000000000001: En mottagning\n  SE2321OO0131-E000000000002: Samma")
    assert [text for _path, _line, text in suggestions(review())] == [FIRST]


NOT_SAFE = {
    "another line has it": (FIRST, f"{FIRST}\n  SE2321OO0131-E000000000002: Samma"),
    "nobody can tell what was meant": (FIRST, "  SE23-1: Något helt annat"),
    "a comment would be lost": (FIRST, "  En mottagning: SE2321000131-E000000000001  # hit"),
    "something else on the line cannot be seen": (FIRST, "  SE2321OO0131-E000000000001: En\u202emottagning"),
}


@pytest.mark.parametrize("name", NOT_SAFE)
def test_what_is_not_safe_is_not_offered(clone: Clone, name: str) -> None:  # noqa: F811
    clone.edit("12", *NOT_SAFE[name])
    assert Said("validate").code == 1
    assert review()["comments"] == []


def test_a_clinic_of_another_file_is_not_offered(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", 4)
    clone.edit("13", f"{clinic(4)}: En mottagning", f"SE2321OO0131-E{2:012}: En mottagning")
    assert review()["comments"] == []


def test_what_was_wrong_before_is_nobodys_business(clone: Clone) -> None:  # noqa: F811
    clone.edit("12", FIRST, "  SE2321OO0131-E000000000001: En mottagning")
    clone.commit()
    clone.edit("12", "version: 1", "# a comment\nversion: 1")
    assert review()["comments"] == []


def test_a_line_that_the_pull_request_does_not_show_gets_no_comment(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", *range(100, 120))
    clone.edit("13", clinic(100), clinic(100).lower())
    clone.git("checkout", "-qb", "other")
    clone.commit()
    clone.edit("13", clinic(119), clinic(119).lower())
    assert len(review()["comments"]) == 2
    clone.git("branch", "-qf", "main", "other")
    assert [line for _path, line, _text in suggestions(review())] == [25]


def test_of_a_file_that_the_merge_makes_another_one_no_line_is_known(clone: Clone) -> None:  # noqa: F811
    """A job of GitHub is at the commit that would merge the proposal; lines are counted in the proposal."""
    clone.git("checkout", "-qb", "proposal")
    clone.edit("12", FIRST, FIRST.lower())
    clone.commit("proposal")
    clone.git("checkout", "-q", "main")
    clone.edit("14", "version: 1", "# a comment\nversion: 1")
    clone.commit("elsewhere")
    clone.git("checkout", "-q", "--detach", "main")
    clone.git("merge", "-q", "--no-ff", "-m", "as GitHub does", "proposal")
    assert len(review()["comments"]) == 1
    clone.git("checkout", "-q", "main")
    clone.edit("12", "version: 1", "# a comment\nversion: 1")
    clone.commit("in the same file")
    clone.git("checkout", "-q", "--detach", "main")
    clone.git("merge", "-q", "--no-ff", "-m", "as GitHub does", "proposal")
    assert review()["comments"] == []


def test_paths_begin_at_the_root_of_the_clone(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    clone.edit("12", FIRST, FIRST.lower())
    monkeypatch.chdir(clone.folder / "config")
    (comment,) = review()["comments"]
    assert comment["path"] == "config/regions/12-region.yaml"


# ---- as GitHub takes it


def test_a_review_says_what_it_means_and_neither_approves_nor_refuses(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", 4)
    body = review()
    assert (body["event"], body["comments"]) == ("COMMENT", [])
    assert body["body"].startswith("## 1 part: 1 enrol\n")
    assert broken_rules_of("markdown", body["body"]) == []


def test_it_is_a_format_of_review_alone(clone: Clone) -> None:  # noqa: F811
    heard = Said("validate", "--format", "github-review")
    assert (heard.code, "github-review is not a format" in heard.err) == (64, True)


@pytest.mark.parametrize("name", ["a ```` b", "```", "`x` @octocat #12 <b>", "a | b ~~~"])
def test_nothing_in_a_line_closes_the_suggestion(clone: Clone, name: str) -> None:  # noqa: F811
    clone.edit("12", FIRST, f"  se2321000131-e000000000001: '{name}'")
    body = review()
    assert [text for _path, _line, text in suggestions(body)] == [f"{FIRST[:29]} '{name}'"]
    tokens = markdown_tokens(body["comments"][0]["body"])
    assert [token.info for token in tokens if token.type == "fence"] == ["suggestion"]


def test_a_review_has_fifty_comments_at_most(clone: Clone) -> None:  # noqa: F811
    clone.declare("13", *range(100, 170))
    file = clone.file("13")
    file.write_text(file.read_text(encoding="utf-8").replace("SE", "se"), encoding="utf-8")
    lines = [line for _path, line, _text in suggestions(review())]
    assert (len(lines), lines[0]) == (50, 6)


def test_what_is_wrong_is_told_as_it_is_and_not_as_markup(clone: Clone) -> None:  # noqa: F811
    clone.edit("12", "clinics:", "clínics:")
    clone.edit("12", "version: 1", "version: 1  # *y*")
    (comment,) = review()["comments"]
    assert comment["body"].startswith(escapes.markdown("clínics is not a key that belongs here"))


def test_a_span_over_lines_is_no_place_for_an_edit() -> None:
    over = Place("a.yaml", 1, 1, 2, 1, "x")
    assert _edit(RULES["unknown-key"].finding(over, suggestion="y", key="x", keys="y")) is None


def test_edits_of_spans_that_overlap_are_none() -> None:
    source = "name: Region Skåne"
    edits = [_Edit(Place("12-a.yaml", 1, first, 1, last, source), "x", "y") for first, last in ((1, 5), (3, 19))]
    assert _tried(1, edits) is None
