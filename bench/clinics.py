"""Makes clinics to measure with: region files, a register to match, and the same as input for the peers.

The same seed and number give the same bytes. Numbers and names are invented; only the form is real.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stdnum import luhn

from reconciler.model import REGIONS

_NUMBERS = {code: digits + luhn.calc_check_digit(digits) for code in REGIONS for digits in [f"2399000{code}"]}
ROOT = Path(__file__).parents[1]
_WORDS = ("Vårdcentralen", "Närhälsan", "Hälsocentralen", "Mottagningen", "Rehab", "Barnmorskan")
_PLACES = ("Ågårdsskogen", "Eriksberg", "Norrtull", "Sjöbo", "Överby", "Ängelholm", "Lilla torg")
_ODD_EVERY = 100


class Sized(NamedTuple):
    """A folder with everything for one size. *odd*: one line in a hundred has quotes, a comment, or stands apart."""

    folder: Path
    clinics: int
    odd: bool

    @property
    def region_files(self) -> list[Path]:
        """The 21 files."""
        return sorted((self.folder / "config" / "regions").iterdir())


def made(folder: Path, clinics: int, *, odd: bool) -> Sized:
    """Have the files made by a process of its own, so that its memory is not taken for that of what is measured."""
    arguments = [str(folder), str(clinics), "odd" if odd else "plain"]
    subprocess.run([sys.executable, "-m", "bench.clinics", *arguments], cwd=ROOT, check=True)
    return Sized(folder, clinics, odd)


def make(folder: Path, clinics: int, *, odd: bool = False, seed: int = 1177) -> None:
    """Write the files for *clinics* clinics, spread evenly over the 21 regions."""
    draw = random.Random(seed)  # noqa: S311  (nothing here is secret)
    regions = {code: [] for code in REGIONS}  # type: dict[str, list[tuple[str, str]]]
    for number in range(clinics):
        code = list(REGIONS)[number % len(REGIONS)]
        name = f"{draw.choice(_WORDS)} {draw.choice(_PLACES)} {number}"
        regions[code].append((f"SE{_NUMBERS[code]}-E{number:012d}", name))
    for part in ("config/regions", "zones", "held"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for code, rows in regions.items():
        _write(folder / "config/regions" / f"{code}-region.yaml", _region_file(code, rows, odd=odd))
        for part in ("zones", "held"):
            _write(folder / part / f"r{code}.example.yaml", _zone(rows))
    _write(folder / "register.csv", _register(regions))
    _write(folder / "reconciler.toml", _SETTINGS)
    _write(folder / "octodns.yaml", _octodns())


def _write(path: Path, lines: Iterator[str] | str) -> None:
    path.write_text("".join(lines), encoding="utf-8")


def _region_file(code: str, rows: list[tuple[str, str]], *, odd: bool) -> Iterator[str]:
    yield f'version: 1\nregion: "{code}"\nname: {REGIONS[code]}\npatient_board: null\n'
    yield "clinics:\n" if rows else "clinics: {}\n"
    for number, (hsa_id, name) in enumerate(rows):
        yield from _odd_line(number, hsa_id, name) if odd and number % _ODD_EVERY == 0 else (f"  {hsa_id}: {name}\n",)
    if odd:
        yield "x-contact:\n  who: the region's team\n"


def _odd_line(number: int, hsa_id: str, name: str) -> Iterator[str]:
    match number // _ODD_EVERY % 3:
        case 0:
            yield f'  "{hsa_id}": "{name}"\n'
        case 1:
            yield f"  # moved here in the spring\n  {hsa_id}: '{name}'   # see above\n"
        case _:
            yield f"\n  {hsa_id.lower()}:    {name}\n"


_SETTINGS = """\
lang = "en"
[register]
path = "register.csv"
max_age = "off"
"""


def _register(regions: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    yield "# generated_at: 2026-05-01T04:00:00+02:00\nhsa_id,name,status,region_code\n"
    for code, rows in regions.items():
        for hsa_id, name in rows:
            yield f"{hsa_id},{name},active,{code}\n"


# ---- for octoDNS: a zone for each region, a record for each clinic


def _zone(rows: list[tuple[str, str]]) -> Iterator[str]:
    yield "---\n"
    for hsa_id, name in rows:
        plain = name.encode("ascii", "ignore").decode()  # octoDNS takes no other letters
        yield f"{hsa_id.lower()}:\n  type: TXT\n  value: {plain}\n"


def _octodns() -> str:
    providers = {
        part: {
            "class": "octodns.provider.yaml.YamlProvider",
            "directory": part,
            "default_ttl": 3600,
            "enforce_order": False,
        }
        for part in ("zones", "held")
    }
    zones = {f"r{code}.example.": {"sources": ["zones"], "targets": ["held"]} for code in REGIONS}
    return json.dumps({"providers": providers, "zones": zones})


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), odd=sys.argv[3] == "odd")
