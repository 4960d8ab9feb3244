"""What can be said about the files and the world: places, rules, findings, failures.

A finding is a value: something wrong or notable in what is declared. A failure is an exception: the world did not
answer, or may not be trusted. Nothing here knows a rule, a file or a format.
"""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Generic, NamedTuple, ParamSpec

from reconciler.words import _, mark, number

P = ParamSpec("P")


class Exit(IntEnum):
    """What the process says when it ends; the order of the members is the order in which one wins over another."""

    BUG = 70
    SETTINGS = 78
    UNANSWERED = 69
    PLAN_STALE = 5
    REFUSED = 4
    LEFT_OUT = 3
    LOCKED = 75
    ERRORS = 1
    CHANGES = 2
    DONE = 0
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143

    @classmethod
    def first(cls, *codes: Exit) -> Exit:
        """Return the one that wins; `DONE` where there are none."""
        order = list(cls)
        return min((*codes, cls.DONE), key=order.index)


class Severity(Enum):
    """How much a finding weighs; only an error stops something."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Stage(Enum):
    """When a rule is judged, and thereby what it sees."""

    SHAPE = "shape"
    MEANING = "meaning"
    UPSTREAM = "upstream"
    GUARD = "guard"
    REVIEW = "review"


class Place(NamedTuple):
    """A span of a file, 1-based, end exclusive; without a line, the file itself. `source` is the first line."""

    path: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    source: str | None = None

    @property
    def span(self) -> str:
        """The text of the span, on its first line; of an empty span the line."""
        source, column = self.source or "", self.column or 1
        ends_there = self.end_line == self.line and self.end_column is not None
        return source[column - 1 : self.end_column - 1 if ends_there and self.end_column else None] or source.strip()


class Finding(NamedTuple):
    """Something wrong or notable, at a place. Texts are made when they are read, in the language spoken then.

    `new` tells whether the base revision lacks it; None where no base was asked for. `weight` is the severity that the
    settings give it; None where they leave it at the rule's.
    """

    rule: Rule[...]
    place: Place | None = None
    region: str | None = None
    subject: str | None = None
    related: tuple[Place, ...] = ()
    suggestion: str | None = None
    values: Mapping[str, object] = {}
    new: bool | None = None
    weight: Severity | None = None

    @property
    def severity(self) -> Severity:
        """What it weighs: the rule's severity, or what the settings say."""
        return self.weight or self.rule.severity

    @property
    def is_error(self) -> bool:
        """Whether the finding makes a run fail."""
        return self.severity is Severity.ERROR

    @property
    def stops(self) -> bool:
        """Whether it stops something: an error of a rule that stops; the settings can lift that, but not make it."""
        return self.is_error and self.rule.severity is Severity.ERROR

    @property
    def problem(self) -> str:
        """What is wrong."""
        return _(self.rule.problem).format_map(self._all_values())

    @property
    def remedy(self) -> str:
        """What to do about it."""
        remedy = _(self.rule.remedy).format_map(self._all_values())
        if self.suggestion is None:
            return remedy
        return _("write {suggestion}").format(suggestion=self.suggestion)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same finding in another revision: rule, region or file, subject and span, and no line."""
        place = self.place or Place("")
        return (self.rule.id, self.region or place.path, self.subject or "", place.span)

    def sort_key(self) -> tuple[str, int, int, str, str, str]:
        """By file and place, then by rule: the order in which findings are told."""
        place = self.place or Place("")
        return (place.path, place.line or 0, place.column or 0, self.rule.id, self.region or "", self.subject or "")

    def _all_values(self) -> dict[str, object]:
        values = {key: number(value) if type(value) is int else value for key, value in self.values.items()}
        return {"subject": self.subject, "region": self.region, **values}


@dataclass(frozen=True, slots=True)
class Rule(Generic[P]):
    """One rule: its function yields findings, its docstring is the documentation, its two texts are what is said."""

    id: str
    stage: Stage
    severity: Severity
    problem: str
    remedy: str
    relied_on: bool
    function: Callable[P, Iterator[Finding]]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Finding]:
        """Judge."""
        return self.function(*args, **kwargs)

    @property
    def reason(self) -> str:
        """The docstring, without its indentation."""
        return inspect.getdoc(self.function) or ""

    def finding(
        self,
        place: Place | None = None,
        *,
        region: str | None = None,
        subject: str | None = None,
        related: tuple[Place, ...] = (),
        suggestion: str | None = None,
        **values: Any,
    ) -> Finding:
        """Say that the rule found something; *values* fill its texts, beside subject and region."""
        return Finding(self, place, region, subject, related, suggestion, values)


def rule(
    stage: Stage,
    *,
    problem: str,
    remedy: str,
    severity: Severity = Severity.ERROR,
    relied_on: bool | None = None,
) -> Callable[[Callable[P, Iterator[Finding]]], Rule[P]]:
    """Make a rule of a generator; its id is the function's name with hyphens.

    What is written to the database relies on errors, unless the rule says otherwise: their severity cannot be set.
    """
    relied = severity is Severity.ERROR if relied_on is None else relied_on

    def made(function: Callable[P, Iterator[Finding]]) -> Rule[P]:
        return Rule(function.__name__.replace("_", "-"), stage, severity, problem, remedy, relied, function)

    return made


def weighed(findings: Iterable[Finding], severities: Mapping[str, Severity | None]) -> Iterator[Finding]:
    """Give each finding the severity that *severities* sets for its rule; None leaves it out."""
    for finding in findings:
        wanted = severities.get(finding.rule.id, finding.severity)
        if wanted is not None:
            yield finding if wanted is finding.severity else finding._replace(weight=wanted)


_REASONS = {
    errno.ENOENT: mark("it is not there"),
    errno.EACCES: mark("whoever runs the program may not"),
    errno.EPERM: mark("whoever runs the program may not"),
    errno.EISDIR: mark("it is a directory"),
    errno.ENOTDIR: mark("what should be a folder is a file"),
    errno.EEXIST: mark("it is there already"),
    errno.ENOSPC: mark("the disk is full"),
    errno.EROFS: mark("nothing can be written there"),
    errno.ENAMETOOLONG: mark("the name is too long"),
    errno.ECONNREFUSED: mark("nobody answers there"),
    errno.ECONNRESET: mark("the connection was broken off"),
    errno.EHOSTUNREACH: mark("no way leads there"),
    errno.ENETUNREACH: mark("no way leads there"),
}


def reason_of(error: OSError) -> str:
    """Return why the system could not do it, in words; of what is rare, in the system's own."""
    known = _REASONS.get(error.errno or 0)
    return _(known) if known else error.strerror or type(error).__name__


class Failure(Exception):
    """The world did not answer, or may not be trusted.

    *source* is what was asked (`register`, `routes`, `database`, `git`, `settings`, `files`), *kind* a stable word for
    what went wrong, *exit* what the process says when nothing worse happens.
    """

    def __init__(self, source: str, kind: str, *, problem: str, remedy: str, exit: Exit = Exit.UNANSWERED) -> None:  # noqa: A002
        super().__init__(problem)
        self.source = source
        self.kind = kind
        self.problem = problem
        self.remedy = remedy
        self.exit = exit
