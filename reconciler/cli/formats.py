"""How a result of validate or plan is said: one run can say it in several formats, each to stdout or to a file.

In a job of GitHub the log takes commands from every line, so what comes from files and registers is fenced off there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.cli.shared import fenced, in_a_job, read_to_the_end, stdout
from reconciler.cli.timings import taken, tell_taken
from reconciler.findings import Exit, Failure, reason_of
from reconciler.words import _, mark

if TYPE_CHECKING:
    from reconciler.findings import Finding

REVIEW = "github-review"
"""A review of a pull request, as GitHub takes it: of no other command's result is there one."""

NAMES = ("text", "json", "markdown", "github", "sarif", "gitlab", "junit")


class Output(NamedTuple):
    """A format, and the file that it goes to; None is stdout."""

    name: str
    file: Path | None = None


def formats_option(*more: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--format`, repeatable, with a file or without; a command may know *more* of them."""
    names = (*NAMES, *more)
    return click.option(
        "--format",
        "outputs",
        multiple=True,
        metavar="NAME[=FILE]",
        callback=lambda _context, _option, values: _outputs(values, names),
        help=mark(
            "How to say it: text, json, markdown, github, sarif, gitlab or junit; with =FILE, there. Can be repeated."
            " Else text, and in a job of GitHub github as well."
        )
        if not more
        else mark(
            "How to say it: text, json, markdown, github, github-review, sarif, gitlab or junit; with =FILE, there. Can"
            " be repeated. Else text, and in a job of GitHub github as well."
        ),
    )


def _outputs(values: tuple[str, ...], names: tuple[str, ...]) -> tuple[Output, ...]:
    outputs = tuple(_output(value, names) for value in values)
    to_stdout = [one.name for one in outputs if one.file is None and one.name != "github"]
    if len(to_stdout) > 1:
        problem = _("only one format can go to stdout: write {name}=FILE").format(name=to_stdout[1])
        raise click.BadParameter(problem)
    return outputs or (Output("text"), *([Output("github")] if in_a_job() else []))


def _output(value: str, names: tuple[str, ...]) -> Output:
    name, given, file = value.partition("=")
    if name not in names:
        from difflib import get_close_matches

        meant = get_close_matches(name, names, 1)
        hint = _("; did you mean {name}?").format(name=meant[0]) if meant else ""
        problem = _("{name} is not a format: use one of {names}").format(name=name, names=", ".join(names))
        raise click.BadParameter(problem + hint)
    if given and not file:
        raise click.BadParameter(_("{name}= lacks the file").format(name=name))
    return Output(name, Path(file) if given else None)


def tell(
    outputs: Iterable[Output],
    name: str,
    result: Any,
    findings: Iterable[Finding],
    *,
    timings: bool = False,
    **options: Any,
) -> None:
    """Say *result* in every format that was asked for; a file that cannot be written is told when all is said."""
    from reconciler import stations
    from reconciler.report import json
    from reconciler.report.excerpt import places_of

    stations.at("report")
    document, places = getattr(json, name)(result), places_of(findings)
    if timings:
        document["timings"] = taken()
    failures = []
    for one in outputs:
        try:
            if one.file is None:
                _to_stdout(one.name, name, document, places, options)
            else:
                _to_file(one.file, _made(one.name, name, document, places, options))
            if one.name == "github":
                _to_the_job(document, places)
        except OSError as error:
            failures.append(_unwritten(error))
    if timings:
        tell_taken()
    if failures:
        raise failures[0]


def _to_stdout(form: str, name: str, document: Any, places: Any, options: Any) -> None:
    from reconciler.report import text

    with read_to_the_end():
        if form == "text":
            with fenced(document):
                getattr(text, name)(document, stdout(), places=places, **options)
        else:
            sys.stdout.write(_made(form, name, document, places, options))
        sys.stdout.flush()


def _made(form: str, name: str, document: Any, places: Any, options: Any) -> str:
    from reconciler.report import formats

    return formats.made(form, name, document, places, **options)


def _to_file(file: Path, made: str, mode: str = "w") -> None:
    with file.open(mode, encoding="utf-8", errors="backslashreplace", newline="") as stream:
        stream.write(made)


def _to_the_job(document: Any, places: Any) -> None:
    """Append what the job shows as its summary, and what its next steps can read, where GitHub wants them."""
    from reconciler.report.github import outputs
    from reconciler.report.markdown import markdown

    for variable, made in (("GITHUB_STEP_SUMMARY", markdown(document, places)), ("GITHUB_OUTPUT", outputs(document))):
        if os.environ.get(variable):
            _to_file(Path(os.environ[variable]), made, "a")


def _unwritten(error: OSError) -> Failure:
    return Failure(
        "files",
        "unwritable",
        problem=_("{file} cannot be written: {reason}").format(file=error.filename, reason=reason_of(error)),
        remedy=_("name a file in a folder that is there, and where whoever runs this may write"),
        exit=Exit.USAGE,
    )
