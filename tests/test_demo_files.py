"""The example: 21 region files, a register that fits them, and the same register a day later."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler import settings
from reconciler.declare.beside import read_approvals
from reconciler.declare.regions import read_regions
from reconciler.model import EXAMPLE_BOARD_SUFFIX, REGIONS, Region, Register, RegisterSettings
from reconciler.sources import register

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "config" / "regions"
FILES = sorted(FOLDER.glob("*.yaml"))
NOW = datetime(2036, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def regions() -> dict[str, Region]:
    found = {file.region.code: file.region for file in read_regions(FOLDER, list(REGIONS)).files if file.region}
    assert list(found) == list(REGIONS)
    return found


def asked(name: str) -> Register:
    return register.ask(RegisterSettings(path=ROOT / "demo" / name, max_age=None), NOW)


def test_every_region_has_a_file_whose_name_anyone_can_type() -> None:
    assert [path.name[:2] for path in FILES] == list(REGIONS)
    assert all(path.name.isascii() and path.name == path.name.lower() and " " not in path.name for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_begins_with_the_line_that_editors_read(path: Path) -> None:
    first, text = path.read_text(encoding="utf-8").split("\n", 1)
    assert first == "# yaml-language-server: $schema=../../schemas/region.schema.json"
    assert (path.parent / first.partition("=")[2]).is_file()
    assert ("Ett exempel" in text) == ("clinics: {}" not in text)


def test_nine_regions_have_clinics_and_eight_of_them_a_board(regions: dict[str, Region]) -> None:
    with_clinics = {code for code, region in regions.items() if region.clinics}
    with_board = {code for code, region in regions.items() if region.board}
    assert with_clinics == {"01", "04", "06", "07", "10", "12", "14", "18", "25"}
    assert with_clinics - with_board == {"18"}
    assert with_board < with_clinics
    assert sum(len(region.clinics) for region in regions.values()) == 660


def test_clinics_are_sorted_and_in_upper_case(regions: dict[str, Region]) -> None:
    for region in regions.values():
        assert list(region.clinics) == sorted(region.clinics)
        assert all(hsa_id in region.source.text for hsa_id in region.clinics)


def test_boards_say_that_they_are_examples(regions: dict[str, Region]) -> None:
    boards = [(code, region.board) for code, region in regions.items() if region.board]
    assert all(board.hsa_id.endswith(EXAMPLE_BOARD_SUFFIX) for _code, board in boards)
    assert [board.support_order for _code, board in boards] == [f"EXEMPEL-{code}" for code, _board in boards]


def test_the_register_knows_every_clinic_and_board_where_the_files_have_them(regions: dict[str, Region]) -> None:
    declared = {
        hsa_id: (clinic.name, True, code)
        for code, region in regions.items()
        for hsa_id, clinic in region.clinics.items()
    }
    boards = {one.board.hsa_id: (one.board.name, True, code) for code, one in regions.items() if one.board}
    assert asked("register.csv").clinics == declared | boards


def test_tomorrow_four_clinics_have_changed(regions: dict[str, Region]) -> None:
    today, tomorrow = asked("register.csv").clinics, asked("register-tomorrow.csv").clinics
    changed = {hsa_id: (one, tomorrow.get(hsa_id)) for hsa_id, one in today.items() if one != tomorrow.get(hsa_id)}
    assert tomorrow.keys() < today.keys()
    moved, inactive, renamed, gone = (
        changed[hsa_id]
        for hsa_id in ("SE162321000255-O25177", "SE2321000131-E000000008388", "SE2321000057-49T5", "SE2321000032-58PN")
    )
    assert len(changed) == 4
    assert moved[1] == moved[0]._replace(region_code="10")
    assert regions["10"].board
    assert inactive[1] == inactive[0]._replace(active=False)
    assert renamed[1] == renamed[0]._replace(name="Vetlanda vårdcentral")
    assert gone[1] is None


def test_nothing_is_approved_in_the_example() -> None:
    assert read_approvals(ROOT / "config" / "approvals.yaml") == ([], [])


@pytest.mark.parametrize("file", ["reconciler.toml", "demo/tomorrow.toml"])
def test_the_settings_of_the_example_find_its_files(file: str) -> None:
    found = settings.load(ROOT / file, {}, {})
    assert found.demo
    assert found.config.resolve() == ROOT / "config"
    assert Path(found.database.removeprefix("sqlite:///")).resolve() == ROOT / "reconciler.db"
    assert register.ask(found.register, NOW).clinics
