"""The handbook does what it says: every page is walked through at the example, its commands run, its answers compared.

Before a block of commands a comment in the page, `<!-- prov: … -->`, says what has happened meanwhile: what people,
other systems and the job do here is done by a function of that name. UPDATE_GOLDENS=1 writes the answers anew.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import yaml
from sessions import ROOT, at_the_example, pattern, said

from reconciler.cli import run
from reconciler.findings import Exit

FOLDER = ROOT / "docs" / "sv" / "handbok"
PAGES = sorted(FOLDER.glob("*.md"))
TRIED = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
UPDATE = bool(os.environ.get("UPDATE_GOLDENS"))
PART = re.compile(
    r"^ *<!-- prov: (?P<act>[^>\n]*) -->$|^(?P<indent> *)```console\n(?P<block>.*?)^ *```$", re.MULTILINE | re.DOTALL
)

Act = Callable[[], object]
ACTS: dict[str, Act] = {}


def act(name: str) -> Callable[[Act], Act]:
    """Say what happens in the pages under this name."""

    def known(function: Act) -> Act:
        ACTS[name] = function
        return function

    return known


@act("utgångsläget")
def nothing() -> None:
    """Nothing has happened since the job ran last."""


@act("jobbet har gått")
def job() -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        assert run(["apply"]) == Exit.DONE


# ---- what happens to files


def region(code: str) -> Path:
    return next(Path("config/regions").glob(f"{code}-*.yaml"))


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def without(code: str, count: int) -> None:
    """Delete the first so many lines of a region's clinics."""
    path = region(code)
    head, mark, rows = path.read_text(encoding="utf-8").partition("clinics:\n")
    left = rows.splitlines(keepends=True)[count:]
    path.write_text(head + (mark + "".join(left) if left else "clinics: {}\n"), encoding="utf-8")


@act("Norrbottens fil är trasig")
def norrbotten_breaks() -> None:
    edited(region("25"), "\nclinics:\n", "\nclinics\n")


@act("Norrbottens fil är rättad")
def norrbotten_is_mended() -> None:
    edited(region("25"), "\nclinics\n", "\nclinics:\n")


@act("en rad är borta i Skåne")
@act("en rad till är borta i Skåne")
def one_less_in_skane() -> None:
    without("12", 1)


@act("tolv rader är borta i Jönköping")
def twelve_less_in_jonkoping() -> None:
    without("06", 12)


@act("fyrtio rader är borta")
def forty_less() -> None:
    shutil.copytree("config", "before")
    for code, count in {"01": 5, "04": 7, "06": 6, "10": 4, "12": 9, "14": 9}.items():
        without(code, count)


@act("raderna är tillbaka")
def they_are_back() -> None:
    shutil.rmtree("config")
    Path("before").rename("config")


@act("godkännandet är inklistrat")
def approvals_are_pasted() -> None:
    """Paste what the plan printed, filled in, as the page tells."""
    printed = re.findall(r"^    (- guard: .*\n(?:      .*\n)+)", said(["plan"]), re.MULTILINE)
    blocks = "".join(re.sub(r"^  ", "", one, flags=re.MULTILINE).replace("\n    ", "\n  ") for one in printed)
    filled = re.sub("reason: …", "reason: beslut 2026-118", blocks).replace(
        "approved_by: …", "approved_by: Förvaltningen"
    )
    path = Path("config/approvals.yaml")
    edited(path, "\n[]\n", f"\n{_outdented(filled)}")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def _outdented(block: str) -> str:
    return re.sub(r"^ +(?=[a-z])", "  ", block, flags=re.MULTILINE)


@act("Gotland lägger in en mottagning")
def gotland_begins() -> None:
    edited(region("09"), "clinics: {}", "clinics:\n  SE2321000172-E1: Vårdcentralen Exempelvik")
    says("SE2321000172-E1,Vårdcentralen Exempelvik,active,09")


@act("Gotland får sin nämnd")
def gotland_gets_its_board() -> None:
    board = "patient_board:\n  hsa_id: SE2321000172-PNEXEMPEL\n  name: Patientnämnden\n  support_order: ETJ-2026-0701"
    edited(region("09"), "patient_board: null", board)
    says("SE2321000172-PNEXEMPEL,Patientnämnden,active,09")


@act("Kronobergs rader är borta")
def kronoberg_is_empty() -> None:
    without("07", 8)


@act("Eriksbergs rad är borta")
def eriksberg_is_gone() -> None:
    path = region("14")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "SE2321000131-E000000008388" not in line), encoding="utf-8")


@act("Kronoberg byter nämnd utan ny beställning")
def kronoberg_changes_its_board() -> None:
    edited(region("07"), "SE2321000065-PNEXEMPEL", "SE2321000065-NYPNEXEMPEL")
    says("SE2321000065-NYPNEXEMPEL,Patientnämnden,active,07")


@act("beställningens nummer är inskrivet")
def the_order_is_written() -> None:
    path = region("07")
    text = re.sub(r"support_order: .*", "support_order: ETJ-2026-0702", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")


@act("en inställning är felstavad")
def a_setting_is_misspelt() -> None:
    edited(Path("reconciler.toml"), "max_age", "max_agee")


@act("inställningen är rättad")
def the_setting_is_right() -> None:
    edited(Path("reconciler.toml"), "max_agee", "max_age")


@act("Västra Götaland är pausad och har en ändring")
def vgr_is_held() -> None:
    edited(Path("reconciler.toml"), "[register]", '[hold]\nregions = ["14"]\n\n[register]')
    without("14", 1)
    without("12", 1)


# ---- what happens around


def says(row: str) -> None:
    """Let the register say one thing more, or another thing of a clinic."""
    path = Path("demo/register.csv")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# clinics")]
    lines = [line for line in lines if not line.startswith(row.partition(",")[0] + ",")]
    path.write_text("\n".join([*lines, row]) + "\n", encoding="utf-8")


@act("registret är borta")
def register_goes() -> None:
    Path("demo/register.csv").rename("demo/away.csv")


@act("registret är tillbaka")
def register_comes() -> None:
    Path("demo/away.csv").rename("demo/register.csv")


@act("Eriksberg är inte aktiverad")
def eriksberg_closes() -> None:
    says("SE2321000131-E000000008388,Närhälsan Eriksberg vårdcentral,inactive,14")


@act("Kronobergs mottagningar har vägval i TAK")
def kronoberg_is_routed() -> None:
    ids = re.findall(r"^  (SE\S+): ", region("07").read_text(encoding="utf-8").partition("clinics:")[2], re.MULTILINE)
    made = {"format": "reconciler/routes/1", "generated_at": "2026-06-01T04:00:00+02:00", "hsa_ids": ids}
    Path("routes.json").write_text(json.dumps(made), encoding="utf-8")
    more = '\n[routes]\nsource = "file"\npath = "routes.json"\nmax_age = "off"\n'
    settings = Path("reconciler.toml")
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")


def by_hand(statement: str) -> None:
    with closing(sqlite3.connect("reconciler.db")) as database, database:
        database.execute(statement)


@act("någon har tagit bort nämnden i Kronoberg")
def the_board_is_taken() -> None:
    by_hand("UPDATE complaints_region SET board_hsa_id = NULL, board_name = NULL WHERE region_code = '07'")


@act("någon har tagit bort en mottagning i Kronoberg")
def a_clinic_is_taken() -> None:
    theirs = "SELECT min(hsa_id) FROM complaints_clinic WHERE region_code = '07'"
    by_hand(f"DELETE FROM complaints_clinic WHERE hsa_id = ({theirs})")


HELD: list[sqlite3.Connection] = []


@act("någon annan kör")
def somebody_locks() -> None:
    HELD.append(sqlite3.connect("reconciler.db", isolation_level=None))
    HELD[0].execute("BEGIN IMMEDIATE")


@act("den andra är klar")
def nobody_locks() -> None:
    HELD.pop().close()


@act("gårdagens kopia är inläst")
def the_copy_is_restored() -> None:
    kept = Path("reconciler.db").read_bytes()
    without("12", 2)
    job()
    Path("reconciler.db").write_bytes(kept)


# ---- the pages


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example, in Swedish and in git, after the job has run."""
    at_the_example(tmp_path, monkeypatch)
    edited(Path("reconciler.toml"), 'lang = "en"', 'lang = "sv"')
    monkeypatch.setenv("RECONCILER_LANG", "sv")
    monkeypatch.setenv("LOGNAME", "reconciler")
    for arguments in (["init", "-q"], ["add", "config", "reconciler.toml"], ["commit", "-qm", "inledning"]):
        who = ["-c", "user.name=förvaltningen", "-c", "user.email=f@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], check=True)
    said(["db", "init"])
    job()
    yield tmp_path
    while HELD:
        HELD.pop().close()


def answered(command: str) -> str:
    program, *arguments = shlex.split(command)
    if program == "git":
        return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    return steady(said(arguments))


def steady(printed: str) -> str:
    """Return an answer without what is another each time: where it is, when it is, and digests."""
    printed = printed.replace(str(Path.cwd()), "/var/lib/reconciler/repo")
    printed = re.sub(r"\b[0-9a-f]{12}\b", "3f2a91c0d4e7", printed)
    printed = re.sub("tabeller av version [0-9]{4}", "tabeller av version 0003", printed)
    printed = re.sub(r"(until: |till och med )\d{4}-\d\d-\d\d", r"\g<1>2026-06-08", printed)
    asked = r"på [\d,]+ s, gjort för [\d,]+ timmar sedan"
    return re.sub(asked, "på 0,4 s, gjort för 3,2 timmar sedan", printed)


def steps(block: str, indent: str) -> Iterator[tuple[str, str]]:
    text = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        yield command, shown.rstrip("\n")


@pytest.mark.parametrize("page", TRIED, ids=lambda path: path.stem)
def test_a_page_goes_as_it_tells(page: Path, example: Path) -> None:
    text = page.read_text(encoding="utf-8")
    written = PART.sub(walked, text)
    if UPDATE:
        page.write_text(written, encoding="utf-8")
    assert written == text or UPDATE


def walked(part: re.Match[str]) -> str:
    """Do what a part of a page says, and return it with the answers that it shows; others are a failure."""
    if part["act"]:
        ACTS[part["act"]]()
        return part[0]
    shown = [
        told
        for command, answer in steps(part["block"], part["indent"])
        for told in (f"$ {command}", *compared(command, answer))
    ]
    lines = ["```console", *shown, "```"]
    return "\n".join(f"{part['indent']}{line}".rstrip() for line in lines)


def compared(command: str, shown: str) -> list[str]:
    """Run a command, and return the answer that the page shows, or with UPDATE_GOLDENS the one that it should show."""
    printed = answered(command).rstrip("\n")
    if re.fullmatch(pattern(shown), printed + "\n"):
        return shown.splitlines()
    assert UPDATE, f"$ {command}\n{printed}"
    return shortened(printed)


KINDS = {
    "inställningarna: [a-z._]+ = ": 0,
    "[0-9]{2} .*(inte påbörjad|nationally)": 2,
    "[0-9]{2}  ": 3,
    " +[-+~] |      [0-9]{2} ": 4,
}
"""What long stretches of lines begin with, and how many of them a page shows."""


def shortened(printed: str) -> list[str]:
    """Return an answer with long stretches of lines of one kind cut short."""
    kept: list[str] = []
    kind, length = None, 0
    for line in printed.splitlines():
        its = next((one for one in KINDS if re.match(one, line)), None) if line else kind
        kind, length = its, length + 1 if its == kind else 1
        if kind is None or length <= KINDS[kind]:
            kept.append(line)
        elif kept[-1:] != ["…"]:
            kept.append("…")
    return kept


# ---- all of them


def test_every_page_is_found_from_the_first() -> None:
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(([a-z0-9-]+\.md)\)", index)) == {page.name for page in PAGES} - {"index.md"}


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_has_a_page(code: Exit) -> None:
    page = FOLDER / {130: "kod-130-143.md", 143: "kod-130-143.md"}.get(code, f"kod-{int(code)}.md")
    tells_all(page)


def tells_all(page: Path) -> None:
    """Demand that a page says what it means, what residents notice, and what to do."""
    text = page.read_text(encoding="utf-8")
    assert [one for one in ("Vad det betyder", "Vad invånarna märker", "Gör så här") if f"**{one}.**" not in text] == []


def test_every_alert_names_a_page_that_names_it() -> None:
    rules = yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    for rule in rules:
        page = ROOT / rule["annotations"]["runbook"]
        tells_all(page)
        (row,) = (line for line in index.splitlines() if f"`{rule['alert']}`" in line)
        assert f"({page.name})" in row


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 110


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_what_a_page_says_that_the_program_says_is_what_it_says(page: Path) -> None:
    swedish = (ROOT / "reconciler/locale/sv/LC_MESSAGES/reconciler.po").read_text(encoding="utf-8")
    quoted = re.findall(
        r"`([a-zåäö]+(?: [a-zåäö:]+)* (?:reconciler[a-z ]*|flagga|tabellerna|databas))`",
        page.read_text(encoding="utf-8"),
    )
    assert [text for text in quoted if text not in swedish] == []
    assert quoted or page.stem != "kod-78"
