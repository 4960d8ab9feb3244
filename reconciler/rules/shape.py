"""Shape: which keys and values a file may have. An error stops the file's region; the file gets no other finding.

The rules see a key or a value, with its place.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from reconciler.findings import Finding, Place, Stage, rule
from reconciler.model import REGIONS
from reconciler.rules.close import close, close_key, close_number
from reconciler.words import _, mark

MOST_RELATED = 20
"""Places that a finding points at beside its own."""

LONGEST_TEXT = 250
"""Characters of a name, as the schemas have it."""


@rule(Stage.SHAPE, problem="{key} stands {times}", remedy="keep one of the lines")
def duplicate_key(key: str, count: int, first: Place, place: Place, *others: Place) -> Iterator[Finding]:
    r"""Each key stands once in its mapping.

    Other readers keep the last of two equal keys and say nothing; the first line is then lost.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "version: 1\nversion: 1\n"
    """
    times = _("{n} times").format(n=count) if others else _("twice")
    yield duplicate_key.finding(place, subject=key, related=(first, *others), key=key, times=times)


@rule(Stage.SHAPE, problem="{key} is not a key that belongs here", remedy="delete the line, or use one of: {keys}")
def unknown_key(key: str, place: Place, keys: Collection[str]) -> Iterator[Finding]:
    """Only known keys, so that a misspelt one is not passed over. A region's own begin with x- at the top level.

    Okay:
        x-contact: the team
    Flagged:
        mottagningar: {}
    """
    meant = close_key(key, keys)
    yield unknown_key.finding(place, subject=key, suggestion=meant, key=key, keys=", ".join(sorted(keys)))


@rule(Stage.SHAPE, problem="the key {key} is missing", remedy="write the line {line}")
def missing_key(key: str, place: Place) -> Iterator[Finding]:
    r"""All keys are required: "none" is said, never left out.

    A file cut in half must not read as "no clinics".

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\nregion: \"14\"\nname: Västra Götalandsregionen\npatient_board: null\n"
    """
    lines = {"clinics": "clinics: {}", "patient_board": "patient_board: null", "version": "version: 1"}
    yield missing_key.finding(place, subject=key, key=key, line=lines.get(key, f"{key}: …"))


@rule(Stage.SHAPE, problem="{key} is {found}, and should be {expected}", remedy="{hint}")
def wrong_type(key: str, place: Place, found: str, expected: str, value: str = "") -> Iterator[Finding]:
    """A value has the form that its key says: a text, a mapping, or nothing.

    Okay:
        clinics: {}
    Flagged:
        clinics: [SE2321000131-E000000000458]
    """
    hints = {
        "clinics": _("write one clinic a line, HSA-id: name, two blanks in; or clinics: {{}} where there is none"),
        "patient_board": _(
            "write hsa_id, name and support_order on lines of their own, two blanks in; or patient_board: null"
        ),
    }
    hint = hints.get(key, _("write a text after the colon and a blank, on the same line")).replace("{{}}", "{}")
    meant = _NONE.get(key) if value.lower().strip("–-—") in _NO_WORDS else None
    yield wrong_type.finding(place, subject=key, suggestion=meant, key=key, found=found, expected=expected, hint=hint)


_NONE = {"clinics": "clinics: {}", "patient_board": "patient_board: null"}
_NO_WORDS = frozenset(("no", "none", "nej", "ingen", "inga", "inget", "saknas", "finns ej", "tom", "0", "false"))


@rule(
    Stage.SHAPE,
    problem="clinics are listed in a group, {key}",
    remedy="write each clinic directly under clinics:, HSA-id: name, two blanks in; what they have in common can stand after a #",
)
def clinics_in_group(key: str, place: Place) -> Iterator[Finding]:
    """Clinics stand one below the other, in no groups.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {norr: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}}
    """
    yield clinics_in_group.finding(place, subject=key, key=key)


@rule(Stage.SHAPE, problem="version {value} is not known", remedy="write version: 1")
def version_unknown(value: object, place: Place) -> Iterator[Finding]:
    """The version says how the file is to be read; there is one so far.

    Okay:
        version: 1
    Flagged:
        version: 2
    """
    yield version_unknown.finding(place, value=value)


@rule(Stage.SHAPE, problem="{value} is not the code of a region", remedy="use one of the 21 codes: {codes}")
def region_code_unknown(value: str, place: Place) -> Iterator[Finding]:
    """Regions have the county codes of Statistics Sweden. 02, 11, 15 and 16 are not in use.

    Okay:
        region: "14"
    Flagged:
        region: "15"
    """
    by_name = {name.lower(): code for code, name in REGIONS.items()}
    named = close(value.lower(), by_name)
    meant = f"0{value}" if f"0{value}" in REGIONS else by_name[named] if named else None
    suggestion = f'"{meant}"' if meant else None
    yield region_code_unknown.finding(place, suggestion=suggestion, value=value or '""', codes=", ".join(REGIONS))


@rule(Stage.SHAPE, problem="{key} is empty", remedy="write the text after the colon and a blank")
def text_empty(key: str, place: Place) -> Iterator[Finding]:
    """A name is there for the people who read the file.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000131-E000000000458: ""}
    """
    yield text_empty.finding(place, subject=key, key=key)


@rule(
    Stage.SHAPE,
    problem="{key} is no text of one line: {reason}",
    remedy="write it on one line, in {most} characters at most",
)
def text_not_one_line(key: str, place: Place, value: str) -> Iterator[Finding]:
    r"""A name is one line of at most 250 characters.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000131-E000000000458: "Närhälsan\nÅgårdsskogen"}
    """
    broken = "\n" in value or "\r" in value
    reason = _("it has a line break in it") if broken else _("it is {n} characters long").format(n=len(value))
    yield text_not_one_line.finding(place, subject=key, key=key, reason=reason, most=LONGEST_TEXT)


@rule(Stage.SHAPE, problem="{key} is {value}, which does not fit: {reason}", remedy="look at the example in the README")
def value_not_allowed(key: str, place: Place, value: object, reason: str) -> Iterator[Finding]:
    """A value is one of those that its key allows. This is said where no rule has words of its own.

    Okay:
        version: 1
    """
    yield value_not_allowed.finding(place, subject=key, key=key, value=value, reason=reason)


_FORM = re.compile(r"SE(16)?[0-9]{10}-[A-Z0-9]{1,18}", re.ASCII)
_LOOK_ALIKES = {
    "\u00a0": mark("a no-break space"),
    "\u2010": mark("a hyphen that is not the one on the keyboard"),
    "\u2011": mark("a hyphen that does not break"),
    "\u2012": mark("a figure dash"),
    "\u2013": mark("a dash"),
    "\u2014": mark("a long dash"),
    "\u2212": mark("a minus sign"),
    "\u200b": mark("an invisible blank"),
    " ": mark("a blank"),
    **dict.fromkeys("“”„«»‘’‚", mark("a curly quote")),
    '"': mark("a quote"),
    "•": mark("a bullet"),
}


@rule(
    Stage.SHAPE,
    problem="{value} is not an HSA-id: {reason}",
    remedy="write SE, ten digits, a hyphen, and 1 to 18 letters (A–Z) or digits",
)
def hsa_id_malformed(
    value: str, place: Place, others: Iterable[str] = (), name: str | None = None
) -> Iterator[Finding]:
    """An HSA-id is SE, the ten digits of an organisation, a hyphen, and letters or digits; 31 characters at most.

    The digits may have 16 before them, as Skåne's do. Upper or lower case is the same. The number is that of whoever
    owns the catalogue, which need not be the region.

    Okay:
        clinics: {se162321000255-o24371: Vårdcentralen Eden}
    Flagged:
        clinics: {SE232100O131-E000000000458: Närhälsan Ågårdsskogen}
    """
    reason, repaired = _why_malformed(value)
    repaired = repaired or _like_the_others(value, others)
    shown = value.replace("\n", "\\n") or '""'
    yield hsa_id_malformed.finding(place, subject=value, suggestion=repaired, value=shown, reason=reason, name=name)


def is_hsa_id(text: str) -> bool:
    """Whether *text*, in upper case, has the form of an HSA-id."""
    return len(text) <= 31 and _FORM.fullmatch(text) is not None


def _why_malformed(value: str) -> tuple[str, str | None]:
    """Return why *value* is not an HSA-id, and the id that it becomes when look-alikes are put right."""
    repaired = _repaired(value)
    suggestion = repaired if is_hsa_id(repaired) else None
    for number, character in enumerate(value, 1):
        if character in _LOOK_ALIKES:
            return _("character {n} is {what}").format(n=number, what=_(_LOOK_ALIKES[character])), suggestion
    for number, character in enumerate(value.upper(), 1):
        if not character.isascii() and _ordinary(character).isascii():
            what = _("character {n}, {letter}, only looks like one that belongs here")
            return what.format(n=number, letter=character), suggestion
    for number, character in enumerate(value.upper().partition("-")[0][2:], 3):
        if character in "OIL":
            what = _("character {n} is the letter {letter}, where a digit belongs")
            return what.format(n=number, letter=character), suggestion
    return _form_fault(value), suggestion


def _like_the_others(value: str, others: Iterable[str]) -> str | None:
    """Return *value* with the number of the ids around it, where its own is a digit off."""
    number, hyphen, rest = _repaired(value).partition("-")
    numbers = {other.upper().partition("-")[0] for other in others if is_hsa_id(other.upper())}
    meant = close_number(number, numbers)
    repaired = f"{meant}{hyphen}{rest}"
    return repaired if meant and is_hsa_id(repaired) else None


def _repaired(value: str) -> str:
    text = _ordinary(value.strip(" \n“”„«»‘’‚\"'•-:;,.=").upper())
    for wrong in "\u2010\u2011\u2012\u2013\u2014\u2212_":
        text = text.replace(wrong, "-")
    text = "".join(text.split()).replace("\u200b", "").removeprefix("SE")
    text = re.sub(r"^((?:16)?[0-9]{6})-([0-9]{4})(?=-)", r"\1\2", text.removeprefix("SE"))
    number, hyphen, rest = text.partition("-")
    return "SE" + number.translate(str.maketrans("OIL", "011")) + hyphen + rest


_CYRILLIC_AND_GREEK = str.maketrans("АВЕЅКМНОРСТХІЕΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABESKMHOPCTXIEABEZHIKMNOPTX")
"""Letters that look like those of an HSA-id."""


def _ordinary(text: str) -> str:
    """Return *text* with the letters and digits that it looks like."""
    return unicodedata.normalize("NFKC", text).translate(_CYRILLIC_AND_GREEK)


def _form_fault(value: str) -> str:
    text = value.upper()
    if not text:
        return _("it is empty")
    if not text.startswith("SE"):
        return _("it does not begin with SE")
    number, hyphen, rest = text[2:].partition("-")
    if not hyphen:
        return _("the hyphen after the number is missing")
    if not (
        number.isascii() and number.isdigit() and (len(number) == 10 or (len(number) == 12 and number[:2] == "16"))
    ):
        return _("between SE and the hyphen stand ten digits, here {n} characters").format(n=len(number))
    wrong = next((character for character in rest if not (character.isascii() and character.isalnum())), None)
    if wrong is not None:
        return _("{character} may not stand after the hyphen").format(
            character=ascii(wrong) if not wrong.isprintable() else wrong
        )
    if not rest:
        return _("nothing stands after the hyphen")
    return _("it is {n} characters long").format(n=len(value))


@rule(Stage.SHAPE, problem="{subject} is listed twice, in two spellings", remedy="keep one of the lines")
def clinic_listed_twice(hsa_id: str, place: Place, first: Place) -> Iterator[Finding]:
    """A clinic is listed once; upper and lower case are the same HSA-id.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {SE2321000131-E000000000458: Närhälsan, se2321000131-e000000000458: Närhälsan}
    """
    yield clinic_listed_twice.finding(place, subject=hsa_id, related=(first,))


@rule(
    Stage.SHAPE,
    problem="the file's name begins with {code}, but it says region {value}",
    remedy='write region: "{code}", or rename the file',
)
def region_and_file_name_differ(code: str, value: str, place: Place) -> Iterator[Finding]:
    """The file's name begins with its region's code, and decides.

    A copy of another region's file would otherwise withdraw one region's clinics and enrol them twice in another.

    Okay:
        region: "14"
    Flagged:
        region: "12"
    """
    yield region_and_file_name_differ.finding(place, region=code, code=code, value=value)
