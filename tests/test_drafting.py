"""fmt, import, follow, adopt and new as people meet them: on the real example, with real git and a real database."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spoken import Said

from reconciler.drafting import draft
from reconciler.edit.document import remove
from reconciler.edit.parse import parse
from reconciler.model import Settings

ROOT = Path(__file__).parent.parent
VG = "config/regions/14-vastra-gotaland.yaml"
SKANE, BLEKINGE = "config/regions/12-skane.yaml", "config/regions/10-blekinge.yaml"
HERE, ELSEWHERE, MOVED = "SE2321000131-E000000000213", "SE2321000016-F1Z7", "SE162321000255-O25177"
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("config", "demo"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "reconciler.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def applied(example: Path) -> Path:
    assert Said("db", "init").code == 0
    assert Said("apply").code == 0
    return example


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def held(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((folder / "config").rglob("*")) if path.is_file()}


def registered(example: Path, *lines: str) -> None:
    """Let the register know more clinics."""
    path = example / "demo/register.csv"
    text = "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if "# clinics:" not in line)
    path.write_text(text + "".join(f"{line}\n" for line in lines), encoding="utf-8")


# ---- fmt


def test_the_example_is_in_the_one_form(example: Path) -> None:
    assert (Said("fmt", "--check").code, Said("fmt", "--diff").out) == (0, "nothing to do\n")


def test_fmt_puts_a_file_in_the_one_form_and_has_nothing_to_do_after(example: Path) -> None:
    before = (example / VG).read_bytes()
    edit(example / VG, f"  {HERE}: Närhälsan", f"  {HERE.lower()}:    'Närhälsan")
    edit(example / VG, "vårdcentral, Mölndal\n", "vårdcentral, Mölndal'\n")
    typed = (example / VG).read_bytes()
    said = Said("fmt", "--check")
    assert (said.code, "fmt puts it so" in said.err, (example / VG).read_bytes()) == (1, True, typed)
    shown = Said("fmt", "--diff", VG)
    assert (shown.code, f"-  {HERE.lower()}" in shown.out) == (0, True)
    done = Said("fmt", VG)
    assert (done.code, done.out) == (0, f"{VG} is written\n")
    assert (example / VG).read_bytes() == before


def test_fmt_leaves_a_file_with_faults_and_tells_them(example: Path) -> None:
    edit(example / VG, "name:", "namn:")
    edit(example / SKANE, "version: 1", "version:  1")
    before = (example / VG).read_bytes()
    said = Said("fmt")
    assert (said.code, "unknown-key" in said.out, f"{SKANE} is written" in said.out) == (1, True, True)
    assert (example / VG).read_bytes() == before


def test_fmt_of_a_file_that_is_no_regions_says_so(example: Path) -> None:
    assert "file-name-without-region" in Said("fmt", "config/approvals.yaml").out


def test_fmt_of_what_is_no_yaml_says_so(example: Path) -> None:
    said = Said("fmt", "demo/register.csv")
    assert (said.code, "demo/register.csv: error: the file's name" in said.out) == (1, True)


def test_fmt_brings_names_up_to_the_registers(example: Path) -> None:
    said = Said("--settings", "demo/tomorrow.toml", "fmt", "--names", "--diff")
    assert "+  SE2321000057-49T5: Vetlanda vårdcentral\n" in said.out


# ---- import


def imported(example: Path, text: str, *flags: str) -> Said:
    (example / "list.csv").write_text(text, encoding="utf-8")
    return Said("import", "list.csv", "--region", "14", *flags)


def test_a_clinic_comes_back_with_the_registers_name(example: Path) -> None:
    before = (example / VG).read_bytes()
    edit(example / VG, f"  {HERE}: Närhälsan Krokslätt vårdcentral, Mölndal\n", "")
    shown = imported(example, f"HSA-id;Namn\n{HERE};Fel namn\n")
    assert (shown.code, "+  " + HERE in shown.out, "--write does it" in shown.err) == (0, True, True)
    assert imported(example, f"{HERE}\n", "--write").code == 0
    assert (example / VG).read_bytes() == before


def test_every_row_that_cannot_be_taken_says_why_and_nothing_is_written(example: Path) -> None:
    edit(example / "demo/register.csv", "SE2321000131-E000000000214,", "SE2321000131-E000000000999,")
    rows = [HERE, HERE, ELSEWHERE, "hej", "SE23210O0131-E1", "SE2321000131-E99", "SE2321000131-E000000000999"]
    registered(example)
    before = held(example)
    said = imported(example, "\n".join(rows), "--write", "--format", "json")
    rules = {(finding["line"], finding["rule"]) for finding in said.json()["findings"]}
    assert said.code == 1
    assert rules == {
        (1, "clinic-declared-already"),
        (2, "row-repeated"),
        (3, "clinic-declared-elsewhere"),
        (4, "row-without-id"),
        (5, "hsa-id-malformed"),
        (6, "clinic-unknown"),
    }
    assert not said.json()["written"]
    assert "E000000000999" in said.json()["files"][0]["diff"]
    assert held(example) == before


def test_what_the_line_would_refuse_is_not_taken(example: Path) -> None:
    register = (example / "demo/register.csv").read_text(encoding="utf-8").splitlines()
    away = [
        line for line in register if line.startswith((HERE, "SE2321000131-E000000000214", "SE2321000131-E000000000216"))
    ]
    changed = [away[0].replace(",14", ",12"), away[1].replace(",active,", ",inactive,"), away[2]]
    text = "\n".join([*(line for line in register if line not in away), *changed]) + "\n"
    (example / "demo/register.csv").write_text(text, encoding="utf-8")
    routes = {
        "format": "reconciler/routes/1",
        "generated_at": "2026-01-01T00:00:00Z",
        "hsa_ids": [away[2].split(",")[0]],
    }
    (example / "routes.json").write_text(json.dumps(routes), encoding="utf-8")
    with (example / "reconciler.toml").open("a", encoding="utf-8") as settings:
        settings.write('[routes]\nsource = "file"\npath = "routes.json"\nmax_age = "off"\n')
    registered(example)
    document, _lines = remove(parse((example / VG).read_text(encoding="utf-8")), [one.split(",")[0] for one in away])
    (example / VG).write_text(document.text(), encoding="utf-8")
    said = imported(example, "\n".join(line.split(",")[0] for line in away), "--format", "json")
    assert [one["rule"] for one in said.json()["findings"]] == [
        "clinic-of-other-region",
        "clinic-not-active",
        "clinic-routed-in-tak",
    ]


def test_a_list_takes_clinics_out(example: Path) -> None:
    said = imported(example, f"{HERE}\n{ELSEWHERE}\n", "--remove", "--write")
    assert (said.code, "clinic-not-declared" in said.out) == (0, True)
    assert HERE not in (example / VG).read_text(encoding="utf-8")


def test_a_list_becomes_the_regions_whole(example: Path) -> None:
    edit(example / VG, f"  {HERE}: Närhälsan", f"  # kvar\n  {HERE}: Närhälsan")
    assert imported(example, f"{HERE}\n", "--replace", "--write").code == 0
    text = (example / VG).read_text(encoding="utf-8")
    assert text.endswith(f"clinics:\n  # kvar\n  {HERE}: Närhälsan Krokslätt vårdcentral, Mölndal\n")


def test_an_empty_list_is_a_mistake_and_takes_nothing_out(example: Path) -> None:
    before = held(example)
    for flags in ((), ("--remove",), ("--replace",)):
        said = imported(example, "HSA-id;Namn\n", *flags, "--write")
        assert (said.code, "list-empty" in said.out) == (1, True)
    assert held(example) == before


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-1.7"])
def test_a_workbook_is_told_apart_from_a_text(example: Path, begins: bytes) -> None:
    (example / "list.xlsx").write_bytes(begins + HERE.encode())
    said = Said("import", "list.xlsx", "--region", "14")
    assert (said.code, "list-not-text" in said.out, "save it as CSV" in said.out) == (1, True, True)


def test_standard_input_is_a_list(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{HERE}\n".encode())))
    assert "declared already" in Said("import", "-", "--region", "14").out


@pytest.mark.parametrize(
    "flags",
    [("--region", "02"), (), ("--region", "14", "--remove", "--replace"), ("--region", "14", "--from-issue-form")],
)
def test_a_wrong_use_of_import_is_said(example: Path, flags: tuple[str, ...]) -> None:
    assert Said("import", "demo/register.csv", *flags).code == 64
    assert Said("import", "no-such-file", "--region", "14").code == 64


def test_a_region_without_a_good_file_takes_no_list(example: Path) -> None:
    edit(example / VG, "name:", "namn:")
    assert "see what reconciler validate says" in imported(example, HERE).err
    (example / VG).unlink()
    said = imported(example, HERE)
    assert (said.code, "reconciler new 14" in said.err) == (78, True)


def test_a_draft_that_would_not_declare_what_was_meant_is_a_bug_and_touches_nothing(example: Path) -> None:
    desk = draft.desk(Settings(config=example / "config"))
    with pytest.raises(RuntimeError, match="not declare what was meant"):
        draft.checked(desk.paths["14"], b"version: 1\n", desk.document("14"))


def test_a_full_disk_leaves_every_file_as_it_was(example: Path) -> None:
    imported(example, f"{HERE}\n")
    before, limits = held(example), resource.getrlimit(resource.RLIMIT_FSIZE)
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        said = Said("import", "list.csv", "--region", "14", "--remove", "--write")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signals)
    assert (said.code, "cannot be written, so nothing is" in said.err) == (69, True)
    assert held(example) == before


def test_five_thousand_clinics_are_imported_in_less_than_five_seconds_of_cpu(example: Path) -> None:
    ids = [f"SE2321000131-X{number:011d}" for number in range(5000)]
    registered(example, *(f"{hsa_id},Mottagning {hsa_id[-4:]},active,14" for hsa_id in ids))
    before = time.process_time()
    said = imported(example, "\n".join(ids), "--write")
    assert (said.code, time.process_time() - before < 5) == (0, True)
    assert (example / VG).read_text(encoding="utf-8").count("-X0000") == 5000


# ---- issue forms


def form(example: Path, text: str, *flags: str) -> Said:
    (example / "body.md").write_text(text, encoding="utf-8")
    return Said("import", "body.md", "--from-issue-form", *flags)


def test_a_form_takes_the_good_rows_and_lists_the_rest(example: Path) -> None:
    edit(example / VG, f"  {HERE}: Närhälsan Krokslätt vårdcentral, Mölndal\n", "")
    said = form(example, f"### Region\n\n14 VG\n\n### Mottagningar att ansluta\n\n{HERE}\thej\nSE23\n", "--write")
    assert (said.code, "body.md:8" in said.out, HERE in (example / VG).read_text(encoding="utf-8")) == (1, True, True)


def test_a_form_takes_a_clinic_out(example: Path) -> None:
    assert form(example, f"### Region\n\n14\n\n### Mottagningar att koppla bort\n\n{HERE}\n", "--write").code == 0
    assert HERE not in (example / VG).read_text(encoding="utf-8")


BOARD = "### Region\n\n03 Region Uppsala\n\n### Patientnämndens HSA-id\n\n{}\n\n### Patientnämndens namn\n\nNämnden\n"


def test_a_form_orders_a_board(example: Path) -> None:
    text = BOARD.format("se2321000024-pnexempel") + "\n### Beställningens nummer\n\n2026\n"
    assert form(example, text, "--write").code == 0
    said = (example / "config/regions/03-uppsala.yaml").read_text(encoding="utf-8")
    assert 'patient_board:\n  hsa_id: SE2321000024-PNEXEMPEL\n  name: Nämnden\n  support_order: "2026"\n' in said
    assert "hsa-id-malformed" in form(example, text.replace("se2321000024", "se")).out


def test_a_form_that_lacks_something_says_what(example: Path) -> None:
    said = form(example, BOARD.format("_No response_").replace("03", "02"))
    assert [line.partition("lacks ")[2].split(" [")[0] for line in said.out.splitlines() if "lacks" in line] == [
        "Region",
        "Patientnämndens HSA-id",
        "Beställningens nummer",
    ]
    assert "a heading of one of the forms" in form(example, "hej").out
    empty = "### Region\n\n14\n\n### Mottagningar att ansluta\n\n_No response_\n"
    assert "list-empty" in form(example, empty).out


# ---- follow


def test_lines_follow_with_their_comments_and_nothing_is_left_to_warn_of(applied: Path) -> None:
    edit(applied / SKANE, f"  {MOVED}:", f"  # ring först\n  {MOVED}:")
    said = Said("--settings", "demo/tomorrow.toml", "follow", "--write")
    assert (said.code, "enrolled-clinic-unknown" in said.out, "enrolled-clinic-inactive" in said.out) == (0, True, True)
    assert "clinic-moved" not in said.out
    assert MOVED not in (applied / SKANE).read_text(encoding="utf-8")
    assert f"  # ring först\n  {MOVED}: Helsa" in (applied / BLEKINGE).read_text(encoding="utf-8")
    plan = Said("--settings", "demo/tomorrow.toml", "plan").out
    assert "clinic-moved" not in plan
    assert "clinic-name-differs" not in plan
    assert Said("--settings", "demo/tomorrow.toml", "follow").out.count("---") == 0


def test_a_line_that_both_regions_have_stays_where_the_register_says(applied: Path) -> None:
    edit(applied / BLEKINGE, "clinics:\n", f"clinics:\n  {MOVED}: Helsa Vårdcentral Bromölla  # ny\n")
    assert Said("--settings", "demo/tomorrow.toml", "follow", "--write").code == 0
    assert MOVED not in (applied / SKANE).read_text(encoding="utf-8")
    assert f"  {MOVED}: Helsa Vårdcentral Bromölla  # ny\n" in (applied / BLEKINGE).read_text(encoding="utf-8")


def test_a_line_whose_new_region_has_no_good_file_stays_and_is_told(applied: Path) -> None:
    edit(applied / BLEKINGE, "name: Region", "namn: Region")
    said = Said("--settings", "demo/tomorrow.toml", "follow", "--write")
    assert "clinic-moved" in said.out
    assert MOVED in (applied / SKANE).read_text(encoding="utf-8")


def test_without_a_database_what_the_files_declare_follows(example: Path) -> None:
    said = Said("--settings", "demo/tomorrow.toml", "follow", "--write")
    assert (said.code, "what the files declare counts" in said.err) == (0, True)
    assert MOVED in (example / BLEKINGE).read_text(encoding="utf-8")
    assert MOVED not in (example / SKANE).read_text(encoding="utf-8")
    assert "enrolled-clinic-unknown" in said.out
    (example / "demo/register.csv").unlink()
    assert Said("follow").code == 69


def test_without_a_register_nothing_follows(applied: Path) -> None:
    (applied / "demo/register.csv").unlink()
    assert Said("follow", "--write").code == 69
    assert Said("adopt", "--region", "14", "--write").code == 69


def git(*arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def committed(applied: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    git("init", "-q", "-b", "main")
    git("add", "config", "demo", "reconciler.toml")
    git("commit", "-q", "-m", "start")
    return applied


def test_what_follows_is_committed_on_a_branch_that_is_made_anew_each_time(committed: Path) -> None:
    before = held(committed)
    for _again in range(2):
        assert Said("--settings", "demo/tomorrow.toml", "follow", "--branch", "bot/follow").code == 0
    assert held(committed) == before
    assert git("status", "--porcelain", "config") == ""
    assert git("log", "--format=%s", "main..bot/follow") == "The lines of clinics follow the e-services\n"
    message = git("log", "-1", "--format=%b", "bot/follow")
    assert "register: sha256:" in message
    assert "generated at: 2026-11-24T04:00:00+01:00" in message
    assert git("diff", "--name-only", "main", "bot/follow").split() == [
        "config/regions/06-jonkopings-lan.yaml",
        BLEKINGE,
        SKANE,
    ]


def test_where_nothing_follows_no_branch_is_made(committed: Path) -> None:
    assert Said("follow", "--branch", "bot/follow").code == 0
    assert git("branch", "--list", "bot/*") == ""


def test_a_branch_of_somebodys_own_is_left(committed: Path) -> None:
    git("branch", "mine")
    for name in ("mine", "main"):
        said = Said("--settings", "demo/tomorrow.toml", "follow", "--branch", name)
        assert (said.code, "somebody's own" in said.err) == (64, True)
    said = Said("--settings", "demo/tomorrow.toml", "follow", "--branch", "not..a name")
    assert said.code == 69


def test_what_is_not_committed_does_not_slip_onto_the_branch(committed: Path) -> None:
    edit(committed / SKANE, "name: Region", "name:  Region")
    said = Said("--settings", "demo/tomorrow.toml", "follow", "--branch", "bot/follow")
    assert (said.code, "not committed" in said.err) == (69, True)


# ---- adopt, on a database filled by hand


@pytest.fixture
def by_hand(example: Path) -> Path:
    """Uppsala's file is empty; the service has had two clinics of it, and a board, since before this tool."""
    assert Said("db", "init").code == 0
    clinics = (("SE2321000024-U1", "Vårdcentralen Ett"), ("SE2321000024-U2", "Vårdcentralen Två"))
    registered(example, *(f"{hsa_id},{name},active,03" for hsa_id, name in clinics))
    with contextlib.closing(sqlite3.connect("reconciler.db")) as database, database:
        rows = [("SE2321000024-U1", "03"), ("SE2321000024-U2", "03"), (ELSEWHERE, "03"), ("SE2321000024-U3", "03")]
        database.executemany(
            "INSERT INTO complaints_clinic VALUES (?, ?, 'för hand', '2025-01-01 00:00:00', '2025-01-01 00:00:00')",
            rows,
        )
        database.execute(
            "UPDATE complaints_region SET board_hsa_id = 'SE2321000024-PNEXEMPEL', board_name = 'Nämnden'"
            " WHERE region_code = '03'"
        )
    edit(example / "reconciler.toml", "demo = true", 'demo = true\nregions = ["03"]')
    return example


UPPSALA = "config/regions/03-uppsala.yaml"


def test_what_was_there_before_is_taken_over_boards_included(by_hand: Path) -> None:
    assert Said("plan").out.count("clinic-unmanaged") == 4
    said = Said("adopt", "--region", "03", "--write")
    assert (said.code, "clinic-unmanaged" in said.out) == (0, True)
    assert (
        (by_hand / UPPSALA)
        .read_text(encoding="utf-8")
        .endswith(
            "patient_board:\n  hsa_id: SE2321000024-PNEXEMPEL\n  name: Nämnden\n  support_order: null\n"
            "clinics:\n  SE2321000024-U1: Vårdcentralen Ett\n  SE2321000024-U2: Vårdcentralen Två\n"
            "  SE2321000024-U3: för hand\n"
        )
    )
    assert Said("apply").code == 0
    again = Said("plan", "--detailed-exitcode")
    assert again.code == 0
    status = json.loads(Said("status", "--format", "json").out)
    uppsala = next(one for one in status["regions"] if one["region"] == "03")
    assert (uppsala["declared"], uppsala["enrolled"], uppsala["unmanaged"]) == (3, 4, 1)
    assert "--- a" not in Said("adopt", "--region", "03").out


def test_single_clinics_are_taken_over_without_the_board(by_hand: Path) -> None:
    said = Said("adopt", "--region", "03", "se2321000024-u1", "SE2321000024-U9")
    assert (said.code, "clinic-not-adoptable" in said.out) == (1, True)
    assert ("+  SE2321000024-U1" in said.out, "U2" in said.out, "PNEXEMPEL" in said.out) == (True, False, False)


def test_a_board_that_the_file_declares_is_left_to_the_plan(by_hand: Path) -> None:
    text = "patient_board:\n  hsa_id: SE2321000024-P\n  name: En annan\n  support_order: X-1\n"
    edit(by_hand / UPPSALA, "patient_board: null\n", text)
    assert text in (by_hand / UPPSALA).read_text(encoding="utf-8")
    assert "PNEXEMPEL" not in Said("adopt", "--region", "03").out


# ---- new


def test_a_region_gets_its_first_file_and_no_second(example: Path) -> None:
    path = example / "config/regions/03-uppsala.yaml"
    before = path.read_bytes()
    assert (Said("new", "03").code, Said("new", "02").code) == (64, 64)
    path.unlink()
    assert (Said("new", "03").code, path.exists()) == (0, False)
    assert Said("new", "03", "--write").code == 0
    assert path.read_bytes() == before
