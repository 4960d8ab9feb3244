"""The whole is rehearsed: thirty days of a month, with what people and the systems around do, and what comes of it.

The log of it stands in docs/sv/en-manad.md, and must be what happens. UPDATE_GOLDENS=1 writes it anew; read it then.
With RECONCILER_SOAK=1 the job runs every hour.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from made_store import observed, problems, sql
from month import Month, git, month

pytestmark = pytest.mark.usefixtures("unmeasured")

PAGE = Path(__file__).parent.parent / "docs" / "sv" / "en-manad.md"
SOAK = bool(os.environ.get("RECONCILER_SOAK"))

NEW = "SE2321000131-E000000009901"
CLOSES = "SE2321000131-E000000008388"
MOVES = "SE162321000255-O25177"


@pytest.fixture
def database() -> str:
    return "postgresql"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(path: Path, hsa_id: str) -> str:
    found = re.search(rf"^  {hsa_id}: .*\n", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, hsa_id
    return found[0]


def lines_of(path: Path) -> list[str]:
    return re.findall(r"^  SE.*\n", path.read_text(encoding="utf-8").partition("\nclinics:")[2], re.MULTILINE)


def block_printed(said: list[str]) -> str:
    """Return the approval that a refusal prints, filled in as whoever approves does."""
    start = next(n for n, line in enumerate(said) if line.startswith("    - guard: "))
    rows = [line[4:] for line in said[start : start + 6]]
    return "\n".join(rows).replace("…", "beslut 2026-118", 1).replace("…", "Förvaltningen", 1) + "\n"


def test_a_month(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with month(tmp_path, url, monkeypatch) as story:
        if SOAK:
            story.hours = tuple(range(6, 23))
        the_first_week(story, url)
        the_second_week(story, url)
        the_third_week(story)
        the_last_days(story, url)
        assert story.command(story.job, "plan", "--detailed-exitcode")[0] == 0
        assert story.command(story.job, "history", "--verify")[0] == 0
    assert problems(url) == []
    written = [line for line in story.log if line]
    kept = PAGE.read_text(encoding="utf-8")
    page = re.sub(
        r"(?<=```text\n).*?(?=^```)", lambda _: "\n".join(written) + "\n", kept, flags=re.DOTALL | re.MULTILINE
    )
    if os.environ.get("UPDATE_GOLDENS"):
        PAGE.write_text(page, encoding="utf-8")
    assert steady(page) == steady(PAGE.read_text(encoding="utf-8"))


def steady(page: str) -> str:
    """Return the page as it is compared: with many runs a day, the last good register is of another hour of its day."""
    return re.sub(r"(?<=-\d\d) \d\d:23", "", page) if SOAK else page


def the_first_week(story: Month, url: str) -> None:
    story.night()
    story.tell("tjänsten tas i bruk: 21 regioners filer, ingen mottagning är ansluten")
    assert story.runs() == 0
    assert len(observed(url).clinics) == 660
    story.night()
    assert story.runs() == 0
    story.night()
    story.clinics.append([NEW, "Närhälsan Exempelby", "active", "14"])
    vgr = story.region("14")
    head, line = "clinics:\n", f"  {NEW}: Närhälsan Exempelby\n"
    mistyped = line.replace("1000131", "1OO0131")
    assert story.checked("ny mottagning, med bokstaven O för en nolla", {vgr: (head, head + mistyped)}) == 1
    with story.proposal("ny mottagning i Västra Götaland"):
        edit(vgr, head, head + line)
    assert story.runs() == 0
    assert observed(url).clinics[NEW].region_code == "14"  # type: ignore[index]
    story.night()
    board = "patient_board:\n  hsa_id: SE2321000164-PNEXEMPEL\n  name: Patientnämnden\n  support_order: ETJ-2026-0603\n"
    story.clinics.append(["SE2321000164-PNEXEMPEL", "Patientnämnden", "active", "18"])
    with story.proposal("Region Örebro län får sin patientnämnd, beställning ETJ-2026-0603"):
        edit(story.region("18"), "patient_board: null\n", board)
    assert story.runs() == 0
    story.night()
    story.tell("e-tjänsterna: Helsa Vårdcentral Bromölla hör nu till Blekinge")
    story.of(MOVES)[3] = "10"
    assert story.runs() == 0
    assert observed(url).clinics[MOVES].region_code == "10"  # type: ignore[index]
    story.night()
    assert story.runs() == 0
    story.night()
    with story.proposal("raden för Helsa Vårdcentral Bromölla flyttas till Blekinges fil"):
        line = line_of(story.region("12"), MOVES)
        edit(story.region("12"), line, "")
        edit(story.region("10"), "clinics:\n", f"clinics:\n{line}")
    assert story.runs() == 0


def the_second_week(story: Month, url: str) -> None:
    story.night()
    story.tell("registret svarar inte")
    story.register.fault = "503"
    before = observed(url)
    assert story.runs() == 69
    assert observed(url) == before
    story.night()
    story.tell("registret svarar igen")
    story.register.fault = ""
    assert story.runs() == 0
    story.night()
    norrbotten, skane = story.region("25"), story.region("12")
    with story.proposal("Norrbottens fil sparas halv", looked_at=False):
        norrbotten.write_text(norrbotten.read_text(encoding="utf-8").replace("clinics:", "clinics"), encoding="utf-8")
    removed = lines_of(skane)[0]
    with story.proposal("en mottagning i Skåne avslutas"):
        edit(skane, removed, "")
    assert story.runs() == 3
    assert len(observed(url).clinics) == len(before.clinics) - 1
    story.night()
    with story.proposal("Norrbottens fil rättas"):
        edit(norrbotten, "\nclinics", "\nclinics:")
    assert story.runs() == 0
    story.night()
    jonkoping = story.region("06")
    gone = lines_of(jonkoping)[:12]
    with story.proposal("tolv mottagningar i Jönköping tas bort"):
        for line in gone:
            edit(jonkoping, line, "")
    assert story.runs() == 3
    story.night()
    _code, said = story.command(story.job, "plan")
    with story.proposal("godkännande: mottagningarna slås ihop, beslut 2026-118"):
        edit(story.desk / "config" / "approvals.yaml", "\n[]\n", f"\n{block_printed(said)}")
    assert story.runs() == 0
    assert sum(row.region_code == "06" for row in observed(url).clinics.values()) == 32 - 12
    story.night()
    assert story.runs() == 0


def the_third_week(story: Month) -> None:
    story.night()
    story.tell("någon kör om ett gammalt jobb: filerna från i förrgår")
    now = git(story.job, "rev-parse", "HEAD")
    git(story.job, "checkout", "-q", "HEAD~3")
    assert story.applies() == 4
    git(story.job, "checkout", "-q", "main")
    assert git(story.job, "rev-parse", "HEAD") == now
    story.night()
    assert story.runs() == 0
    story.night()
    story.tell("TAK: Närhälsan Exempelby tar emot ärenden i ett eget system")
    story.routes.append(NEW)
    assert story.runs() == 0
    story.night()
    with story.proposal("Närhälsan Exempelby har eget system: raden tas bort"):
        edit(story.region("14"), line_of(story.region("14"), NEW), "")
    assert story.runs() == 0
    story.night()
    story.tell("e-tjänsterna: vårdcentralen Eriksberg är inte längre aktiverad")
    story.of(CLOSES)[2] = "inactive"
    assert story.runs() == 0
    for _day in range(2):
        story.night()
        assert story.runs() == 0
    story.night()
    with story.proposal("sista ärendet hos Eriksberg är avslutat: raden tas bort"):
        edit(story.region("14"), line_of(story.region("14"), CLOSES), "")
    assert story.runs() == 0


def the_last_days(story: Month, url: str) -> None:
    story.night()
    story.tell("registret svarar, men har tappat fem av Sörmlands mottagningar")
    whole = story.clinics
    lost = [row for row in whole if row[3] == "04"][:5]
    story.clinics = [row for row in whole if row not in lost]
    assert story.runs() == 3
    story.night()
    story.tell("registret är helt igen")
    story.clinics = whole
    assert story.runs() == 0
    story.night()
    assert story.runs() == 0
    story.night()
    story.tell("någon ändrar för hand i tjänstens databas: en mottagning i Kronoberg tas bort")
    theirs = min(key for key, row in observed(url).clinics.items() if row.region_code == "07")
    sql(url, "DELETE FROM complaints_clinic WHERE hsa_id = :theirs", theirs=theirs)
    assert story.runs() == 0
    for _day in range(4):
        story.night()
        assert story.runs() == 0
    assert story.day == 30
