"""Anything at all for a region file: it is whole or told of, at places that are there, within 2 s and 300 MB each.

`RECONCILER_SOAK=1` makes it ten times as many examples.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cli import run
from reconciler.declare.beside import read_approvals
from reconciler.rules.reading import LARGEST, LONGEST_LINE

SOAK = bool(os.environ.get("RECONCILER_SOAK"))
EXAMPLES = 5_000 if SOAK else 500
"""Of bytes, and of edits, each."""
SECONDS, MEGABYTES = 2, 300
ROOT = Path(__file__).parent.parent
GOOD = """\
# yaml-language-server: $schema=../../schemas/region.schema.json
version: 1
region: "14"
name: Västra Götalandsregionen
patient_board:
  hsa_id: SE2321000131-PNEXEMPEL   # an example
  name: Patientnämndernas kansli
  support_order: ETJ-2026-0412
clinics:
  SE2321000131-E000000000458: Närhälsan Ågårdsskogen
  se162321000255-o24371: "Vårdcentralen: Eden"
  SE2321000131-E000000008388: 'Vårdcentralen Eriksberg'   # moved
x-contact: {who: [the team]}
"""
MODEST = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


# ---- the property


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one region file to be, judged from there."""
    (tmp_path / "config" / "regions").mkdir(parents=True)
    (tmp_path / "reconciler.toml").write_text('demo = true\nregions = ["14"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(folder: Path, content: bytes) -> dict:
    """Validate *content* as region 14's file: it ends with 0 or 1, in time, and every place it tells is in the file."""
    (folder / "config" / "regions" / "14-x.yaml").write_bytes(content)
    out, err, held, began = io.StringIO(), io.StringIO(), forget_peak(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["validate", "--format", "json"])
    took = time.process_time() - began
    assert code in (0, 1), err.getvalue()
    assert took < SECONDS
    assert peak() - held < MEGABYTES
    document = json.loads(out.getvalue())
    if len(content) > LARGEST:
        return document
    lines = content.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").split("\n")
    for finding in document["findings"]:
        assert finding["problem"]
        assert finding["remedy"]
        assert all(exists(place, lines) for place in (finding, *finding["related"])), finding
    assert (code == 1) is any(finding["severity"] == "error" for finding in document["findings"])
    return document


def exists(place: dict, lines: list[str]) -> bool:
    """Whether a person who opens the file finds the place in it."""
    line, column, end = place["line"], place["column"], place.get("end_column")
    if line is None:
        return column is None
    if not 1 <= line <= len(lines):
        return False
    return 1 <= column <= (end or column) <= len(lines[line - 1]) + 1 and place.get("end_line") in (None, line)


def peak() -> int:
    """Return the most memory that this process has held since `forget_peak`, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def forget_peak() -> int:
    """Begin to count anew, and return what is held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


# ---- anything


@pytest.mark.usefixtures("unmeasured")
@MODEST
@given(content=st.binary(max_size=300) | st.text(max_size=150).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_read_or_told_of(folder: Path, content: bytes) -> None:
    judge(folder, content)
    _made, findings = read_approvals(folder / "config" / "regions" / "14-x.yaml")
    assert all(finding.problem and finding.remedy for finding in findings)


SNIPPETS = [
    *(
        "\t",
        "&a ",
        "*a",
        "!t ",
        "<<: ",
        "---\n",
        "...\n",
        ": ",
        "- ",
        "? ",
        '"',
        "'",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "\n\n  ",
    ),
    *(
        " ",
        "#",
        "|",
        ">",
        "%",
        "@",
        "`",
        "\\",
        ",",
        "\r",
        "\r\n",
        "\ufeff",
        "\ufffe",
        "\x00",
        "å",
        "\U0001f3e5",
        "null",
    ),
    *("~", ":", "\u00a0", "\u200b", "”", "Ã¤", "<<<<<<< HEAD\n", "=======\n", ">>>>>>> x\n", "```\n", "clinics: {}\n"),
    *("  SE2321000131-E000000000458: A\n", "    SE2321000131-E2 B\n", "SE2321000131-E1", 'region: "12"\n', GOOD),
]


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """The good file as somebody left it: pieces put in, taken out, lines moved, doubled, indented, cut."""
    lines = GOOD.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 2))):
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["double", "move", "delete", "in", "out", "join"]))
        line = lines[at]
        lines[at : at + 1] = {"double": [line, line], "in": ["  " + line], "out": [line.lstrip()]}.get(change, [])
        if change == "move":
            lines.insert(to, line)
        elif change == "join":
            lines.insert(at, line.rstrip("\n") + " ")
        lines = lines or ["\n"]
    text = "".join(lines)
    for _ in range(draw(st.integers(0, 3))):
        start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 12))
        put = draw(st.just("") | st.sampled_from(SNIPPETS) | st.text(max_size=3))
        text = text[:start] + put + text[start + length :]
    content = text.encode(errors="replace")
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content


@pytest.mark.usefixtures("unmeasured")
@MODEST
@given(content=edited())
def test_any_edit_of_a_good_file_is_read_or_told_of(folder: Path, content: bytes) -> None:
    judge(folder, content)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "tests" / "broken").glob("14-*.yaml")))
def test_every_broken_file_ends_the_run_with_1(folder: Path, name: str) -> None:
    assert judge(folder, (ROOT / "tests" / "broken" / name).read_bytes())["summary"]["error"] >= 1


def test_many_short_lines_are_no_long_one(folder: Path) -> None:
    assert judge(folder, GOOD.encode() + b"# a\n" * (LONGEST_LINE // 2))["summary"]["error"] == 0


# ---- the enormous

DEEP = 200_000


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("[" * DEEP, {"nested-too-deeply"}),
        ("{a: " * DEEP, {"nested-too-deeply"}),
        ("- " * DEEP, {"nested-too-deeply"}),
        ("? " * DEEP, {"key-not-text"}),
        ("".join("\n" + " " * level + "a:" for level in range(2_000)), {"nested-too-deeply"}),
        ("a: &a [" + "*a," * DEEP + "]", {"yaml-anchor", "yaml-alias"}),
        ('name: "' + "a\n" * DEEP, {"quote-not-closed"}),
        ("a: b\n" * DEEP, {"duplicate-key"}),
        ("<<<<<<< a\n" * DEEP, {"merge-conflict"}),
        ("SE2321000131-E1\n" * DEEP, {"line-without-colon"}),
        (GOOD + "  SE2321000131-E1: 'x\n" * DEEP, {"quote-not-closed"}),
        ("clinics:\n" + "".join(f"  SE2321000131-E{n} A\n" for n in range(DEEP)), {"line-without-colon"}),
        ("a" * 1_000_000 + ":" * 500_000, {"line-too-long"}),
        ('"' * 999_999, {"line-without-colon"}),
        ("a" * 499_999 + ":" * 500_000, {"blank-missing-after-colon"}),
        ('a: "' + "x" * 999_000, {"quote-not-closed"}),
        (": " * 500_000, {"line-without-colon", "colon-in-text"}),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "-".join(sorted(value)),
)
@pytest.mark.usefixtures("unmeasured")
def test_the_deep_and_the_many_are_refused_in_a_moment(folder: Path, text: str, rules: set[str]) -> None:
    assert {finding["rule"] for finding in judge(folder, text.encode())["findings"]} & rules


@pytest.mark.parametrize(
    ("begins", "size", "refused"),
    [("name: ", 200, "file-too-large"), *((begins, 30, "line-too-long") for begins in ("name: ", 'name: "', ""))],
)
def test_one_enormous_line_is_refused_in_a_moment(folder: Path, begins: str, size: int, refused: str) -> None:
    content = begins.encode() + b"a" * (size * 1024**2)
    assert [one["rule"] for one in judge(folder, content)["findings"]] == [refused]
