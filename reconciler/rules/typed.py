"""Typed: what people type that YAML takes in another way than they mean, said in their words and not in the reader's.

The rules see a place and what stands there. Where a file went wrong they do not know.
"""

from collections.abc import Iterator

from reconciler.findings import Finding, Place, Stage, rule


@rule(
    Stage.SHAPE,
    problem="a merge conflict that nobody has settled",
    remedy="keep the lines that are right of the two versions, and delete the lines <<<<<<<, ======= and >>>>>>>",
)
def merge_conflict(place: Place, *others: Place) -> Iterator[Finding]:
    r"""Two people changed the same lines, and git asks which of them count.

    Git puts both versions into the file, between lines of <, = and >.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\n<<<<<<< HEAD\nname: A\n=======\nname: B\n>>>>>>> other\n"
    """
    yield merge_conflict.finding(place, related=others)


@rule(
    Stage.SHAPE, problem="the blank after the colon is missing", remedy="write {key}: and a blank before what follows"
)
def blank_missing_after_colon(key: str, rest: str, place: Place) -> Iterator[Finding]:
    r"""A colon ends a key only where a blank follows it.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "version:1\nregion: \"14\"\n"
    """
    yield blank_missing_after_colon.finding(place, subject=key, suggestion=f"{key}: {rest}", key=key)


@rule(
    Stage.SHAPE,
    problem="this line has no colon: {text}",
    remedy="write a key, a colon, a blank and a value; or delete the line, or begin it with # to make it a comment",
)
def line_without_colon(text: str, meant: str | None, place: Place) -> Iterator[Finding]:
    r"""Each line is a key, a colon, a blank and a value; a comment begins with #.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "version: 1\nregion \"14\"\nname: A\n"
    """
    yield line_without_colon.finding(place, suggestion=meant, text=text)


@rule(
    Stage.SHAPE,
    problem="the line begins with {mark}, which does not belong here",
    remedy="delete {mark} here, and at the beginning of every other line where it stands",
)
def mark_before_line(mark: str, place: Place) -> Iterator[Finding]:
    r"""A line begins with its key or its HSA-id.

    What is copied from a mail, a comparison or a listing brings signs or numbers along.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "> version: 1\n> region: \"14\"\n"
    """
    yield mark_before_line.finding(place, mark=mark)


@rule(
    Stage.SHAPE,
    problem="a colon in the text: {text}",
    remedy="put the text in quotes",
)
def colon_in_text(text: str, place: Place) -> Iterator[Finding]:
    r"""A text with a colon and a blank in it, or with a colon at its end, stands in quotes.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: Närhälsan: Ågårdsskogen\n"
    """
    meant = text.lstrip(": ")
    colon = text == meant or ": " in meant or meant.endswith(":")
    yield colon_in_text.finding(place, suggestion=in_quotes(meant) if colon else meant, text=text)


@rule(
    Stage.SHAPE,
    problem="two entries stand on this line; the second is {second}",
    remedy="begin a new line before {second}",
)
def two_entries_on_a_line(second: str, place: Place) -> Iterator[Finding]:
    r"""One clinic a line, so that it is added, moved and taken away by itself.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "clinics:\n  SE2321000131-E000000000458: A, SE2321000131-E000000008388: B\n"
    """
    yield two_entries_on_a_line.finding(place, second=second)


@rule(
    Stage.SHAPE,
    problem="the quote {quote} is opened and not closed",
    remedy="put {quote} at the end of the text too, or take it away at the beginning",
)
def quote_not_closed(quote: str, place: Place) -> Iterator[Finding]:
    r"""A text that begins with a quote ends with the same quote, on the same line.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: \"Västra Götalandsregionen\n"
    """
    yield quote_not_closed.finding(place, quote=quote)


@rule(
    Stage.SHAPE,
    problem="text goes on after the closing quote: {rest}",
    remedy="put the whole text in quotes, or take the quotes away",
)
def text_after_quote(text: str, rest: str, place: Place) -> Iterator[Finding]:
    r"""What begins with a quote ends at the next one.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: \"Västra\" Götalandsregionen\n"
    """
    if rest in (",", ";"):
        yield text_after_quote.finding(place, suggestion=text[: -len(rest)].rstrip(), rest=rest)
        return
    inside = text[1:-1] if text.endswith(text[:1]) else text
    yield text_after_quote.finding(place, suggestion=in_quotes(inside), rest=rest)


@rule(
    Stage.SHAPE,
    problem="{value} stands in curly quotes, which are letters like any other here",
    remedy="write straight quotes, or none",
)
def curly_quotes(value: str, place: Place) -> Iterator[Finding]:
    r"""Quotes are the straight ones of the keyboard. Word processors and chats put curly ones in their place.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        region: ”14”
    """
    yield curly_quotes.finding(place, suggestion=f'"{value[1:-1]}"', value=value)


@rule(
    Stage.SHAPE,
    problem="a text may not begin with {sign}, which means something else here",
    remedy="put the text in quotes",
)
def text_needs_quotes(text: str, place: Place) -> Iterator[Finding]:
    r"""Some signs mean something of their own to YAML at the beginning of a text.

    Okay:
        name: Västra Götalandsregionen
    Flagged:
        file: "version: 1\nname: @ Västra Götalandsregionen\n"
    """
    yield text_needs_quotes.finding(place, suggestion=in_quotes(text), sign=text[:1])


@rule(
    Stage.SHAPE,
    problem="this line stands {found} blanks in, where {expected} are expected",
    remedy="put {expected} blanks before it: nothing before the five keys, two before what belongs to one of them",
)
def wrong_indentation(found: int, expected: int, place: Place) -> Iterator[Finding]:
    r"""How far in a line stands says what it belongs to.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "clinics:\n  SE2321000131-E000000000458: A\n    SE2321000131-E000000008388: B\n"
    """
    yield wrong_indentation.finding(place, found=found, expected=expected)


@rule(
    Stage.SHAPE,
    problem="a clinic is written as a patient board is",
    remedy="write HSA-id and name on one line, HSA-id first",
)
def clinic_written_as_board(meant: str, place: Place) -> Iterator[Finding]:
    """A clinic is one line. Only the patient board has keys of its own.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {hsa_id: SE2321000131-E000000000458, name: Närhälsan Ågårdsskogen}
    """
    yield clinic_written_as_board.finding(place, suggestion=meant)


@rule(
    Stage.SHAPE,
    problem="the clinic {subject} does not stand under clinics:",
    remedy="move the line below the last clinic, two blanks in",
)
def clinic_outside_clinics(hsa_id: str, place: Place) -> Iterator[Finding]:
    r"""Clinics stand under `clinics:`, below one another.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "version: 1\nclinics: {}\nx-note: moved\n  SE2321000131-E1: A\n"
    """
    yield clinic_outside_clinics.finding(place, subject=hsa_id)


@rule(
    Stage.SHAPE,
    problem="{key} is {value}, and lines that belong to it follow",
    remedy="write {key}: alone on its line",
)
def lines_after_value(key: str, value: str, place: Place) -> Iterator[Finding]:
    r"""`clinics: {}` says that there are none. The first clinic takes the place of {}.

    Okay:
        clinics: {}
    Flagged:
        file: "clinics: {}\n  SE2321000131-E000000000458: Närhälsan Ågårdsskogen\n"
    """
    yield lines_after_value.finding(place, subject=key, suggestion=f"{key}:", key=key, value=value)


@rule(Stage.SHAPE, problem="a hyphen before the entry", remedy="delete the hyphen and the blank after it")
def hyphen_before_entry(place: Place) -> Iterator[Finding]:
    r"""Clinics are not a list: a line begins with the HSA-id, two blanks in.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "clinics:\n  SE2321000131-E000000000458: A\n  - SE2321000131-E000000008388: B\n"
    """
    yield hyphen_before_entry.finding(place)


@rule(
    Stage.SHAPE,
    problem="the bracket {bracket} is opened and not closed, or something is wrong inside it",
    remedy="close it, put a comma between the items; or write one entry a line, without brackets",
)
def bracket_not_closed(bracket: str, place: Place) -> Iterator[Finding]:
    r"""What is opened is closed. A text that begins with a bracket stands in quotes.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\nclinics: {SE2321000131-E1: A\n"
    """
    yield bracket_not_closed.finding(place, bracket=bracket)


@rule(
    Stage.SHAPE,
    problem="the text of {key} goes on on the next line",
    remedy="write it on one line; a clinic that begins there needs the same two blanks before it as the others, and a colon",
)
def text_over_lines(key: str, place: Place) -> Iterator[Finding]:
    r"""One entry a line. A line that is indented further is taken as more of the text before it, and what it says is lost.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        file: "version: 1\nregion: \"14\"\nname: A\npatient_board: null\nclinics:\n  SE2321000131-E1: A\n    SE2321000131-E2 B\n"
    """
    yield text_over_lines.finding(place, subject=key, key=key)


@rule(
    Stage.SHAPE,
    problem="the HSA-id and the name have changed places",
    remedy="write the HSA-id first",
)
def id_and_name_swapped(name: str, hsa_id: str, place: Place) -> Iterator[Finding]:
    """A clinic's line is the HSA-id, a colon, a blank and the name.

    Okay:
        clinics: {SE2321000131-E000000000458: Närhälsan Ågårdsskogen}
    Flagged:
        clinics: {Närhälsan Ågårdsskogen: SE2321000131-E000000000458}
    """
    yield id_and_name_swapped.finding(place, subject=hsa_id, suggestion=f"{hsa_id}: {name}")


@rule(
    Stage.SHAPE,
    problem="a second region begins here: {again}",
    remedy="keep one region in the file, and put the lines of the other into that region's file",
)
def second_region_in_file(again: str, place: Place, first: Place) -> Iterator[Finding]:
    r"""A file is one region's. Two that are pasted into one file would be read as one, and lines lost.

    Okay:
        clinics: {}
    Flagged:
        file: "version: 1\nregion: \"14\"\nname: A\nversion: 1\nregion: \"12\"\nname: B\n"
    """
    yield second_region_in_file.finding(place, related=(first,), again=again)


def in_quotes(text: str) -> str:
    """Return *text* as YAML takes it: in straight quotes."""
    return f'"{text}"' if '"' not in text and "\\" not in text else "'" + text.replace("'", "''") + "'"
