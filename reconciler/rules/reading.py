"""Reading: what stops a file before its keys are looked at: bytes, characters, and the parts of YAML that are refused.

The rules see a file's text, or what reading it met, with places. How YAML is read they do not know.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from reconciler.findings import Finding, Place, Rule, Stage, rule
from reconciler.model import SourceText
from reconciler.words import _, ngettext

LARGEST = 32 * 1024 * 1024
"""Bytes in a file; a region of 400,000 clinics fits."""

LONGEST_LINE = 1_000_000
"""Characters in a line; a region of 15,000 clinics fits on one, though it should not stand there."""

DEEPEST = 20
"""Levels of nesting; a region file has two."""


@rule(Stage.SHAPE, problem="the file cannot be read: {reason}", remedy="make it a plain file that can be read")
def file_unreadable(path: str, reason: str) -> Iterator[Finding]:
    """A region file is a plain file that whoever runs the program may read.

    A directory or a dangling link with the name of a region file would otherwise look like a region without clinics.
    """
    yield file_unreadable.finding(Place(path), reason=reason)


@rule(
    Stage.SHAPE,
    problem="the file is larger than {largest} MiB",
    remedy="keep clinics only; a region of 400,000 clinics fits",
)
def file_too_large(path: str) -> Iterator[Finding]:
    """A file has a size that can be read in a moment.

    Something other than a region file was saved under its name.
    """
    yield file_too_large.finding(Place(path), largest=LARGEST // 1024**2)


@rule(
    Stage.SHAPE,
    problem="the line is longer than {longest} characters",
    remedy="write one clinic a line",
)
def line_too_long(source: SourceText) -> Iterator[Finding]:
    r"""A line has a length that can be read.

    Okay:
        clinics: {}
    """
    text, start = source.text, 0
    while start + LONGEST_LINE < len(text):
        end = text.rfind("\n", start, start + LONGEST_LINE)
        if end < 0:
            line = text.count("\n", 0, start) + 1
            yield line_too_long.finding(Place(source.path, line, 1, line, 2), longest=LONGEST_LINE)
            return
        start = end + 1


@rule(
    Stage.SHAPE,
    problem="the file is not UTF-8: character {number} is the byte {value}{meant}",
    remedy="save the file with the encoding UTF-8",
)
def not_utf8(source: SourceText, offset: int, value: int) -> Iterator[Finding]:
    """Files are UTF-8, so that å, ä and ö are the same letters to everybody.

    Okay:
        name: Västra Götalandsregionen
    """
    before = source.text[:offset]
    line, column = before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
    letter = bytes([value]).decode("cp1252", errors="ignore")
    meant = _(" (in another encoding: {letter})").format(letter=letter) if letter.isalpha() else ""
    if offset == 0 and value in (0xFE, 0xFF):
        meant = _(" (it is UTF-16)")
    place = source.place(line, column, line, column + 1)
    yield not_utf8.finding(place, number=offset + 1, value=f"0x{value:02x}", meant=meant)


@rule(Stage.SHAPE, problem="a tab character{more}", remedy="put {blanks} in its place")
def tab_character(source: SourceText) -> Iterator[Finding]:
    r"""Files are indented with blanks.

    YAML does not allow tabs there, and nobody sees the difference.

    Okay:
        clinics:
          SE2321000131-E000000000458: Närhälsan Ågårdsskogen
    Flagged:
        file: "version: 1\nclinics:\n\tSE2321000131-E000000000458: Närhälsan\n"
    """
    first = source.text.find("\t")
    indents = not source.text[source.text.rfind("\n", 0, first) + 1 : first].strip()
    blanks = _("blanks, two for each level,") if indents else _("a blank")
    yield from _first_match(tab_character, source, re.compile("\t"), blanks=blanks)


_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufffe\uffff]"
    "|\r(?!\n)|(?<!^)\ufeff"
)


@rule(
    Stage.SHAPE,
    problem="an invisible character, {character}{more}",
    remedy="delete it, and type the line anew if it was pasted",
)
def control_character(source: SourceText) -> Iterator[Finding]:
    r"""Files hold text that everybody sees in the same way.

    Control characters and those that turn the direction of writing show one thing to a reader and another to a program.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: R\u0007egion\n"
    """
    match = _CONTROL.search(source.text)
    if match:
        yield from _first_match(control_character, source, _CONTROL, character=f"U+{ord(match[0]):04X}")


_BLANKS = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_WRONG_BLANK = re.compile(rf"^(?: *[{_BLANKS}])|(?<=:)[{_BLANKS}]|[{_BLANKS}](?= *:(?:\s|$))", re.MULTILINE)
_MAY_BE_WRONG = re.compile(f"[{_BLANKS}]")


@rule(
    Stage.SHAPE,
    problem="a blank that is not an ordinary one, {character}{more}",
    remedy="delete it, and type an ordinary blank in its place; this one comes from a web page or a word processor",
)
def wrong_blank(source: SourceText) -> Iterator[Finding]:
    r"""Before a key, and after its colon, stand ordinary blanks.

    No-break spaces look the same and are letters to YAML. Inside a name they do no harm.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nclinics:\n\u00a0\u00a0SE2321000131-E000000000458: Närhälsan\n"
    """
    match = _WRONG_BLANK.search(source.text) if _MAY_BE_WRONG.search(source.text) else None
    if match:
        character = f"U+{ord(match[0].lstrip(' ')):04X}"
        yield from _first_match(wrong_blank, source, _WRONG_BLANK, character=character)


def ordinary(line: str) -> str:
    """Return a line with ordinary blanks for tabs and for others that look like them, and without what nobody sees."""
    return _CONTROL.sub("", _MAY_BE_WRONG.sub(" ", line.replace("\t", "  ")))


_GARBLED = re.compile("(?:[Ã][\u00a0-\u00bf„…–€™œŒžŽ‹›Š˜”“’‘•†‡ˆ‰]|\ufffd)+")


@rule(
    Stage.SHAPE,
    problem="letters that were lost when the file was saved: {text}{more}",
    remedy="write the letters anew, and save the file with the encoding UTF-8",
)
def garbled_letters(source: SourceText) -> Iterator[Finding]:
    """Å, ä and ö are letters, and no pairs of signs. They become that when a file in one encoding is opened in another.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        name: VÃ¤stra GÃ¶talandsregionen
    """
    match = _GARBLED.search(source.text) if "Ã" in source.text or "\ufffd" in source.text else None
    if match:
        word = re.compile(r"[^\s:\"']*").match(source.text, match.start())
        start = max(source.text.rfind(sign, 0, match.start()) for sign in " \n:\"'") + 1
        text = source.text[start : word.end() if word else match.end()]
        yield from _first_match(garbled_letters, source, _GARBLED, text=text, meant=_ungarbled(text))


def _ungarbled(text: str) -> str | None:
    try:
        return text.encode("cp1252").decode()
    except UnicodeError:
        return None


def _first_match(
    found: Rule[...], source: SourceText, pattern: re.Pattern[str], meant: str | None = None, **values: Any
) -> Iterator[Finding]:
    spots = [match.end() - 1 if match[0][:1] == " " else match.start() for match in pattern.finditer(source.text)]
    if spots:
        line = source.text.count("\n", 0, spots[0]) + 1
        column = spots[0] - (source.text.rfind("\n", 0, spots[0]) + 1) + 1
        place = source.place(line, column, line, column + 1)
        yield found.finding(place, suggestion=meant, more=_more(len(spots)), **values)


def _more(count: int) -> str:
    return ngettext(" (and {n} more)", " (and {n} more)", count - 1).format(n=count - 1) if count > 1 else ""


def _first(found: Rule[...], places: Sequence[Place], **values: Any) -> Iterator[Finding]:
    if places:
        yield found.finding(places[0], more=_more(len(places)), **values)


@rule(
    Stage.SHAPE,
    problem="this cannot be read: {reason}",
    remedy="look at this line and the one before: a colon and a blank after the key, the same indentation, quotes closed",
)
def yaml_malformed(place: Place, reason: str) -> Iterator[Finding]:
    r"""A region file is YAML.

    The place is where the reader could not go on; the cause is there or on the line before.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\nname: \"\\q\"\n"
    """
    yield yaml_malformed.finding(place, reason=reason)


@rule(Stage.SHAPE, problem="the file is empty", remedy="write the five keys: {keys}")
def file_empty(path: str, keys: Collection[str]) -> Iterator[Finding]:
    r"""A file says what it has to say. An empty file is never taken for "withdraw all".

    Okay:
        clinics: {}
    Flagged:
        file: "# nothing yet\n"
    """
    yield file_empty.finding(Place(path, 1, 1, 1, 1), keys=", ".join(keys))


@rule(
    Stage.SHAPE,
    problem="a second YAML document begins here",
    remedy="keep one document in a file, and delete the line ---",
)
def several_documents(places: Sequence[Place]) -> Iterator[Finding]:
    r"""A file holds one document.

    Readers that take the first and drop the rest lose clinics without a word.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\n---\nversion: 1\n"
    """
    yield from _first(several_documents, places)


@rule(
    Stage.SHAPE,
    problem="an anchor{more}",
    remedy="delete the & and its name, and write the text itself wherever it is needed",
)
def yaml_anchor(places: Sequence[Place]) -> Iterator[Finding]:
    r"""What a line says stands on that line.

    Anchors and aliases make one line say what another holds, and can make a small file enormous.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: &n Västra Götalandsregionen\n"
    """
    yield from _first(yaml_anchor, places)


@rule(
    Stage.SHAPE,
    problem="an alias{more}",
    remedy='write the text itself; a name that begins with * is put in quotes: "*…"',
)
def yaml_alias(places: Sequence[Place]) -> Iterator[Finding]:
    r"""What a line says stands on that line. See yaml-anchor.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: *n\n"
    """
    yield from _first(yaml_alias, places)


@rule(Stage.SHAPE, problem="a tag{more}", remedy='delete it; a name that begins with ! is put in quotes: "!…"')
def yaml_tag(places: Sequence[Place]) -> Iterator[Finding]:
    r"""Every value is the text that was typed, so nothing is left for a tag to say.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: !!str Västra Götalandsregionen\n"
    """
    yield from _first(yaml_tag, places)


@rule(Stage.SHAPE, problem="a merge key{more}", remedy="delete it, and write the lines themselves")
def merge_key(places: Sequence[Place]) -> Iterator[Finding]:
    r"""What a line says stands on that line. See yaml-anchor.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\n<<: {name: Region}\n"
    """
    yield from _first(merge_key, places)


@rule(
    Stage.SHAPE,
    problem="nested more than {deepest} levels",
    remedy="a region file has two levels; look for a bracket too many",
)
def nested_too_deeply(place: Place) -> Iterator[Finding]:
    r"""A file has a depth that a reader can follow.

    Okay:
        clinics: {}
    Flagged:
        file: "version: [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]\n"
    """
    yield nested_too_deeply.finding(place, deepest=DEEPEST)


@rule(Stage.SHAPE, problem="a key that is not plain text", remedy="write a word, a colon and a blank")
def key_not_text(place: Place) -> Iterator[Finding]:
    r"""A key is a word or an HSA-id.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\n? [a, b]\n: c\n"
    """
    yield key_not_text.finding(place)
