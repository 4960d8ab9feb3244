"""Region files edited: every comment kept, the meaning unchanged, lines that were not touched as they were typed."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from region_files import region_files

from reconciler.declare.regions import read_regions
from reconciler.edit import document
from reconciler.edit.parse import parse
from reconciler.model import HsaId, Region

ROOT = Path(__file__).parent.parent
REAL = sorted((ROOT / "config/regions").glob("*.yaml"))
FILES = 1000 if os.environ.get("RECONCILER_SOAK") else 100
random_files = settings(max_examples=FILES, suppress_health_check=list(HealthCheck))
FIRST = HsaId("SE2321000131-E000000000001")
SECOND = HsaId("SE2321000131-E000000000002")

FILE = """\
# yaml-language-server: $schema=../../schemas/region.schema.json
version: 1
region: "14"
name: Västra Götalandsregionen
patient_board: null
clinics:
"""


def declared(text: str, folder: Path) -> Region:
    """Read *text* as the line does, and return the region; it has to be a good one."""
    (folder / "14-vg.yaml").write_bytes(text.encode())
    (file,) = read_regions(folder, ["14"]).files
    assert file.region, [finding.problem for finding in file.findings]
    return file.region


def meaning(text: str, folder: Path) -> object:
    region = declared(text, folder)
    board = region.board and (region.board.hsa_id, region.board.name, region.board.support_order)
    return region.name, board, {hsa_id: clinic.name for hsa_id, clinic in region.clinics.items()}


def one_form(text: str) -> str:
    return document.in_one_form(parse(text)).text()


def remarks(text: str) -> Counter[str]:
    """Count the comments, which all have the sign § in them."""
    return Counter(re.findall(r"§\w*", text))


# ---- nothing is lost


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_real_file_is_read_and_written_as_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parse(text).text() == text
    assert one_form(text) == text


@given(text=region_files())
@random_files
def test_the_one_form_keeps_every_comment_and_the_meaning_and_is_one(text: str, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("regions")
    note(text)
    formed = one_form(text)
    note(formed)
    assert meaning(formed, folder) == meaning(text, folder)
    assert remarks(text) - remarks(formed) == Counter()
    assert one_form(formed) == formed


@given(text=region_files())
@random_files
def test_a_clinic_that_comes_and_goes_leaves_a_file_as_it_was(text: str, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("regions")
    before = parse(text)
    if FIRST in before.clinics.lines:
        return
    more = document.add(before, {FIRST: "Ny: mottagning"})
    note(more.text())
    assert declared(more.text(), folder).clinics[FIRST].name == "Ny: mottagning"
    assert remarks(text) - remarks(more.text()) == Counter()
    less, taken = document.remove(parse(more.text()), [FIRST])
    assert [line.key for line in taken] == [FIRST]
    assert meaning(less.text(), folder) == meaning(text, folder)
    if before.clinics.lines and "{" not in text:
        assert less.text() == before.text()


def test_a_file_in_braces_gets_lines() -> None:
    typed = (
        '{"version": 1, # §v\n "region": "14", "name": "Västra Götalandsregionen", "x-a": [1, # §i\n 2], # §x\n'
        ' # §b\n "patient_board": null, "clinics": {"se2321000131-a1": "3"}} # §c\n# §e\n'
    )
    assert one_form(typed) == (
        FILE.replace("version: 1", "version: 1  # §v").replace("patient", "# §b\npatient")
        + '  SE2321000131-A1: "3"  # §c\n# §x\n"x-a": [1, # §i\n 2]\n# §e\n'
    )


def test_what_stands_directly_above_a_first_key_that_is_not_the_version_is_that_keys() -> None:
    lines = FILE.replace("clinics:", "clinics: {}").splitlines()
    typed = "\n".join(["# §fil", "", "# §namn", *lines[3:4], *lines[1:3], *lines[4:]]) + "\n"
    assert one_form(typed).splitlines() == [lines[0], "# §fil", *lines[1:3], "# §namn", *lines[3:]]
    above_the_modeline = "\n".join(["", "# §fil", lines[0], *lines[3:4], *lines[1:3], *lines[4:]]) + "\n"
    assert one_form(above_the_modeline).splitlines() == [lines[0], "# §fil", *lines[1:]]


# ---- what each change does


def test_a_clinic_moves_to_another_file_with_its_comments() -> None:
    here = parse(FILE + "  SE2321000131-A1: A\n\n  # ring först\n  SE2321000131-B1: B  # stängt i juli\n  # sist\n")
    there = parse(FILE + "    SE2321000131-A0: A\n    SE2321000131-C0: C\n")
    left, taken = document.remove(here, [HsaId("SE2321000131-B1")])
    assert left.text() == FILE + "  SE2321000131-A1: A\n  # sist\n"
    assert document.put(there, taken).text() == FILE + (
        "    SE2321000131-A0: A\n  # ring först\n    SE2321000131-B1: B  # stängt i juli\n    SE2321000131-C0: C\n"
    ).replace("  # ring", "    # ring")


def test_the_last_clinic_that_goes_leaves_the_braces_that_say_none() -> None:
    left, _taken = document.remove(parse(FILE + "  SE2321000131-A1: A\n"), [HsaId("SE2321000131-A1")])
    assert left.text() == FILE.replace("clinics:", "clinics: {}")
    assert document.add(left, {FIRST: "A"}).text() == FILE + f"  {FIRST}: A\n"


def test_a_clinic_is_put_where_it_belongs_among_lines_in_any_order() -> None:
    before = parse(FILE + "  SE2321000131-C: C\n  SE2321000131-A: A\n  SE2321000131-E: E\n")
    more = document.add(before, {HsaId(f"SE2321000131-{one}"): one for one in ("0", "B", "D", "F")})
    assert [line.value for line in more.clinics.lines.values()] == ["0", "C", "D", "A", "B", "E", "F"]


def test_what_is_there_already_is_left_as_it_is() -> None:
    before = parse(FILE + f"  {FIRST.lower()}: 'A'\n")
    assert document.add(before, {FIRST: "another"}).text() == before.text()


def test_a_clinic_is_renamed_and_keeps_its_comment() -> None:
    before = parse(FILE + f"  {FIRST}: A  # ring\n  {SECOND}: 'B'\n")
    assert document.rename(before, {FIRST: "no", SECOND: "B"}).text() == (
        FILE + f"  {FIRST}: no  # ring\n  {SECOND}: 'B'\n"
    )


def test_a_board_is_set_changed_and_removed() -> None:
    none = parse(FILE.replace("clinics:", "clinics: {}").replace("null", "null  # på väg"))
    one = document.set_board(none, HsaId("SE2321000131-P"), "Kansliet", "ETJ-1")
    assert one.text() == none.text().replace(
        "patient_board: null  # på väg",
        "patient_board:  # på väg\n  hsa_id: SE2321000131-P\n  name: Kansliet\n  support_order: ETJ-1",
    )
    noted = parse(one.text().replace("  name: Kan", "  # vi flyttar\n  name: 'Kan").replace("liet", "liet'"))
    two = document.set_board(noted, HsaId("SE2321000131-P"), "Kansliet", None)
    assert "  # vi flyttar\n  name: 'Kansliet'\n  support_order: null\n" in two.text()
    assert document.remove_board(two).text() == none.text().replace("på väg\n", "på väg\n  # vi flyttar\n")


def test_a_file_with_the_line_ends_of_windows_keeps_them_until_it_is_put_in_the_one_form() -> None:
    typed = (FILE + f"  {FIRST}: A # ring\n").replace("\n", "\r\n")
    assert document.add(parse(typed), {SECOND: "B"}).text() == typed + f"  {SECOND}: B\r\n"
    assert one_form(typed) == FILE + f"  {FIRST}: A  # ring\n"


def test_a_modeline_of_somebodys_own_stays_and_comes_first() -> None:
    typed = FILE.replace("../../", "https://example.org/").replace("clinics:", "clinics: {}")
    assert one_form(f"# om filen\n{typed}") == typed.replace("\nversion", "\n# om filen\nversion", 1)


def test_only_a_block_has_lines() -> None:
    broken = document.Document((), {"clinics": document.Own("clinics", (), ())})
    with pytest.raises(TypeError):
        _ = broken.clinics
