"""Why a file is not YAML, as a person would see it who looks at the lines. Asked only once reading has failed.

Most causes stand on the line where reading stopped, on the one before it, or where that began which has no end. What
is wrong in a file that YAML can read, this module must not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import yaml

from reconciler.findings import Finding, Place
from reconciler.model import SourceText
from reconciler.rules import reading, typed
from reconciler.words import _

_ENTRY = re.compile(r"""( *)(- +)?("[^"]*"|'[^']*'|[^\s#"'&*!|>%@`\[\]{}-][^:]*?|[^\s:]+?)[ ]*:(?:[ ]+(.*))?""")
_HSA_ID = r"(?i:SE[0-9OIL]{8,14}[-\u2010-\u2014\u2212][0-9A-ZÅÄÖ]+)"
_NO_BLANK = re.compile(rf"""( *)(?:- +)?("?{_HSA_ID}"?|[a-z_-]+):([^\s/][^/].*|[^\s/])""", re.IGNORECASE)
_NO_COLON = re.compile(rf"[ •·*]*({_HSA_ID})[\s;,=|:\uff1a\u2013-]*(.*)")
_REMARK = re.compile(r" *(?://+|--+|;|%)\s*(.*)")
_KEYS = "version|region|name|patient_board|hsa_id|support_order|clinics"
_MARKED = re.compile(rf"\s*([>+*•·|]|[0-9]{{1,3}}[.:)]?)\s+((?:{_KEYS}|{_HSA_ID})\s*:.*)")
_SECOND = re.compile(rf"{_HSA_ID}(?=[ ]*:(?: |$))")
_COMMENT = re.compile(r" #.*")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(.*)""")
_CONFLICT = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)(?: .*)?$", re.MULTILINE)
_SIGNS = "@`%&*!|>[]{},?#"
_OF_A_CLINIC = 2
"""Blanks before a clinic."""

_LONGEST_SHOWN = 60
_MOST_PLACES = 20


class _Line(NamedTuple):
    """A line as a person sees it. *key* is None where there is none. Where it is and *at*, the value's: 1-based."""

    number: int
    text: str
    indent: int
    hyphen: bool
    key: str | None
    value: str
    at: int

    @property
    def is_open(self) -> bool:
        """Whether nothing stands after the key, so that what follows belongs to it."""
        return self.key is not None and not self.value


def findings(source: SourceText, error: yaml.YAMLError, at: tuple[int, int]) -> list[Finding]:
    """Return what stopped the reading at line and column *at* (1-based); nothing where it cannot be seen."""
    whole = [*_conflict(source)] or [*_after_end(source, error, at)]
    if whole:
        return whole
    lines = [_line(number, text) for number, text in enumerate(source.text.split("\n"), 1)]
    for line in _suspects(lines, error, at[0]):
        before = next((one for one in reversed(lines[: line.number - 1]) if _says_something(one)), None)
        for look in _LOOKS:
            found = list(look(source, line, before))
            if found:
                return found
    above = lines[: at[0]]
    return [*_indented(source, above)] or [*_unclosed(source, above, error)] or [*_hyphen_above(source, above, error)]


def malformed(source: SourceText, error: yaml.YAMLError, at: tuple[int, int]) -> list[Finding]:
    """Return the cause, or in plain words what the reader met at *at*."""
    line, column = at
    place = source.place(line, column, line, column)
    end = min(column + 1, len(place.source or "") + 1)
    return findings(source, error, at) or [
        *reading.yaml_malformed(source.place(line, column, line, max(end, column)), reason(error))
    ]


def of_text(source: SourceText, number: int) -> list[Finding]:
    """Return what is wrong with a line that was read as a text, where keys are expected."""
    text = source.place(number, 1, number, 1).source or ""
    line = _line(number, text)
    looks = (_marked, _no_blank, _no_colon)
    return [*_conflict(source)] or next((found for look in looks if (found := [*look(source, line, None)])), [])


def reason(error: yaml.YAMLError) -> str:
    """Return in plain words what the reader met, where no cause can be seen."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", error))
    words = {
        "mapping values are not allowed in this context": _("a colon stands where none is expected"),
        "could not find expected ':'": _("a colon is missing on the line before"),
        "did not find expected key": _("the line does not fit the ones before it"),
        "found unexpected end of stream": _("the file ends in the middle of something"),
        "did not find expected <document start>": _("text follows where the file was at its end"),
        "did not find expected '-' indicator": _("the line does not fit the list before it"),
        "found character that cannot start any token": _("no text may begin with this sign"),
        "found unknown escape character": _("a backslash in double quotes begins a sign that there is not"),
    }
    return words.get(problem, _("the reader can make nothing of this line"))


def _line(number: int, text: str) -> _Line:
    text = text.rstrip("\r")
    indent = len(text) - len(text.lstrip(" "))
    entry = None if text.startswith("#", indent) else _ENTRY.fullmatch(text)
    if entry is None:
        return _Line(number, text, indent, text.startswith("- ", indent), None, "", indent + 1)
    value = _COMMENT.sub("", " " + (entry[4] or "")).strip()
    at = entry.start(4) + 1 if entry[4] else len(text) + 1
    return _Line(number, text, indent, entry[2] is not None, entry[3], value, at)


def _says_something(line: _Line) -> bool:
    said = line.text.strip()
    return bool(said) and not said.startswith("#") and said not in ("---", "...")


def _suspects(lines: Sequence[_Line], error: yaml.YAMLError, number: int) -> list[_Line]:
    """Return the lines to look at, the likeliest first."""
    mark = getattr(error, "context_mark", None)
    scanning = str(getattr(error, "context", "")).startswith("while scanning")
    numbers = [mark.line + 1] if mark is not None and scanning else []
    earlier = (one.number for one in reversed(lines[: number - 1]) if _says_something(one))
    numbers += [number, *[before for before in [next(earlier, None)] if before]]
    return [lines[one - 1] for one in dict.fromkeys(numbers) if one <= len(lines) and _says_something(lines[one - 1])]


# ---- what may be wrong with a line


def _conflict(source: SourceText) -> Iterator[Finding]:
    spots = list(islice(_CONFLICT.finditer(source.text), _MOST_PLACES))
    if any(spot[0].startswith(("<", ">", "|")) or spot[0] == "=======" for spot in spots):
        numbers = [source.text.count("\n", 0, spot.start()) + 1 for spot in spots]
        lengths = [spot.end() - spot.start() for spot in spots]
        places = [source.place(at, 1, at, length + 1) for at, length in zip(numbers, lengths, strict=True)]
        yield from typed.merge_conflict(*places)


def _after_end(source: SourceText, error: yaml.YAMLError, at: tuple[int, int]) -> Iterator[Finding]:
    if "<document start>" in str(getattr(error, "problem", "")) and re.search(r"^\.\.\.", source.text, re.MULTILINE):
        line, column = at
        yield from reading.several_documents([source.place(line, column, line, column)])


def _no_blank(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    match = _NO_BLANK.fullmatch(line.text)
    if match and (line.key is None or len(line.key) > len(match[2])):
        at = match.end(2) + 1
        yield from typed.blank_missing_after_colon(
            match[2], match[3].strip(), source.place(line.number, at, line.number, at + 1)
        )


def marked(text: str) -> str | None:
    """Return the sign at the beginning of a line or a key that hides an entry behind it, if there is one."""
    match = _MARKED.fullmatch(text)
    return match[1] if match else None


def _marked(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    mark = marked(line.text)
    if mark:
        at = line.text.index(mark) + 1
        yield from typed.mark_before_line(mark, source.place(line.number, at, line.number, at + len(mark)))


def _no_colon(source: SourceText, line: _Line, before: _Line | None) -> Iterator[Finding]:
    if line.key is None and not line.hyphen and not (before and _opens_a_text(before)):
        place = source.place(line.number, line.indent + 1, line.number, len(line.text) + 1)
        yield from typed.line_without_colon(_cut(line.text.strip()), _with_colon(line.text), place)


def _with_colon(text: str) -> str | None:
    """Return what was meant by a line without a colon: an entry, a key, or a remark."""
    entry, remark, key = _NO_COLON.fullmatch(text), _REMARK.fullmatch(text), text.strip(" ;=.,").lower()
    if entry:
        return f"{entry[1]}: {entry[2] or '…'}"
    if remark:
        return f"# {remark[1]}"
    valued = re.fullmatch(rf"({_KEYS})[\s=;]+(.*)", text.strip())
    if valued:
        return f"{valued[1]}: {valued[2]}"
    return f"{key}:" if re.fullmatch(_KEYS, key) else None


def _opens_a_text(line: _Line) -> bool:
    """Whether a text over several lines may begin here, or something in brackets does."""
    quoted = _QUOTED.fullmatch(line.value)
    return line.value[:1] in ("|", ">", "[", "{", '"', "'") and not quoted


def _two_entries(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    second = _SECOND.search(line.text, line.at - 1) if line.key and line.value[:1] not in ("{", "[") else None
    if second:
        place = source.place(line.number, second.start() + 1, line.number, second.end() + 1)
        yield from typed.two_entries_on_a_line(second[0], place)


def _colon_in_text(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    if line.value[:1] not in ('"', "'", "[", "{"):
        colon = re.search(r":(?= |$)", line.value)
        if colon:
            at = line.at + colon.start()
            yield from typed.colon_in_text(_cut(line.value), source.place(line.number, at, line.number, at + 1))


def _after_quote(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    quoted = _QUOTED.fullmatch(line.value)
    rest = quoted[2].strip() if quoted else ""
    if quoted and rest:
        at = line.at + quoted.end(1) + len(quoted[2]) - len(quoted[2].lstrip())
        place = source.place(line.number, at, line.number, at + len(rest))
        yield from typed.text_after_quote(_cut(line.value), _cut(rest), place)


def _needs_quotes(source: SourceText, line: _Line, _before: _Line | None) -> Iterator[Finding]:
    bracket = line.value[:1] in ("[", "{") and not re.search(r"[\]}].*[^\s\]},]", line.value)
    sign = line.value[:1] in _SIGNS or line.value.startswith("- ")
    if line.value and sign and not bracket and not re.fullmatch(r"[|>][-+0-9]*", line.value):
        yield from typed.text_needs_quotes(
            _cut(line.value), source.place(line.number, line.at, line.number, line.at + 1)
        )


def _hyphen(source: SourceText, line: _Line, before: _Line | None) -> Iterator[Finding]:
    if line.hyphen and before and not before.hyphen and not before.is_open:
        at = line.indent + 1
        yield from typed.hyphen_before_entry(source.place(line.number, at, line.number, at + 1))


def _after_value(source: SourceText, line: _Line, before: _Line | None) -> Iterator[Finding]:
    nothing = before is not None and before.value in ("{}", "[]", "null", "~", "Null", "NULL")
    if before and before.key and nothing and line.indent > before.indent:
        place = source.place(before.number, before.at, before.number, before.at + len(before.value))
        yield from typed.lines_after_value(before.key, before.value, place)


_LOOKS: tuple[Callable[[SourceText, _Line, _Line | None], Iterator[Finding]], ...] = (
    _marked,
    _after_value,
    _no_blank,
    _two_entries,
    _colon_in_text,
    _after_quote,
    _needs_quotes,
    _hyphen,
    _no_colon,
)
"""What is looked for in a line, in this order; the first that is found is told."""


# ---- what may be wrong between lines


def _indented(source: SourceText, lines: Sequence[_Line]) -> Iterator[Finding]:
    """Find the first line that stands where no line before it lets one stand."""
    levels: list[int] = []
    before: _Line | None = None
    for line in lines:
        if line.key is None or not _says_something(line):
            continue
        expected = _expected(levels, before, line)
        if expected is not None:
            yield from _out_of_place(source, lines, line, expected)
            return
        levels = [level for level in levels if level < line.indent] + [line.indent]
        before = line


def _out_of_place(source: SourceText, lines: Sequence[_Line], line: _Line, expected: int) -> Iterator[Finding]:
    """Tell of *line*; or, where it stands as clinics do, of the first clinic that does not."""
    is_clinic = re.fullmatch(_HSA_ID, line.key or "") is not None
    if is_clinic and not expected:
        yield from typed.clinic_outside_clinics(str(line.key), _start(source, line))
        return
    odd = next((one for one in lines if one.indent == expected and re.fullmatch(_HSA_ID, one.key or "")), None)
    if is_clinic and line.indent == _OF_A_CLINIC and odd:
        yield from typed.wrong_indentation(expected, _OF_A_CLINIC, _start(source, odd))
    else:
        yield from typed.wrong_indentation(line.indent, expected, _start(source, line))


def _start(source: SourceText, line: _Line) -> Place:
    return source.place(line.number, 1, line.number, max(line.indent, 1) + 1)


def _hyphen_above(source: SourceText, lines: Sequence[_Line], error: yaml.YAMLError) -> Iterator[Finding]:
    """Find the hyphen that made a list of what should be keys."""
    hyphens = [line for line in lines if line.hyphen]
    if hyphens and "expected '-' indicator" in str(getattr(error, "problem", "")):
        at = hyphens[-1].indent + 1
        yield from typed.hyphen_before_entry(source.place(hyphens[-1].number, at, hyphens[-1].number, at + 1))


def _expected(levels: Sequence[int], before: _Line | None, line: _Line) -> int | None:
    """Return how many blanks should stand before *line*, or None where it stands well."""
    if before is None or line.indent in levels:
        return None
    if line.indent > before.indent:
        return None if before.is_open or before.hyphen or _opens_a_text(before) else before.indent
    return min(levels, key=lambda level: (abs(level - line.indent), -level))


def _unclosed(source: SourceText, lines: Sequence[_Line], error: yaml.YAMLError) -> Iterator[Finding]:
    """Find the first quote that is opened and not closed on its line; else the bracket that the reader was in."""
    for line in lines:
        quote = line.value[:1]
        if quote in ('"', "'") and not _QUOTED.match(line.value):
            yield from typed.quote_not_closed(quote, source.place(line.number, line.at, line.number, line.at + 1))
            return
    mark: Any = getattr(error, "context_mark", None)
    if mark is not None and str(getattr(error, "context", "")).startswith("while parsing a flow"):
        place = source.place(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        bracket = (place.source or "")[mark.column : mark.column + 1]
        if bracket in ("[", "{"):
            yield from typed.bracket_not_closed(bracket, place)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
