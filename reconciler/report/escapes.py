"""How text from files and registers is kept from being obeyed: by terminals, by jobs' logs, by Markdown.

Names of files, of clinics, and what is typed in a file are data, whatever they hold. Knows no result and no document.
"""

from __future__ import annotations

import re


def escape(text: str) -> str:
    r"""Return *text* with all that is not seen as itself spelt out: control characters, line breaks, as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def workflow_message(text: str) -> str:
    """Return *text* as the message of a workflow command: one line, whatever it holds."""
    lines = "\n".join(escape(line) for line in text.split("\n"))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: object) -> str:
    """Return *text* as a property of a workflow command: it ends neither the property nor the command."""
    return workflow_message(str(text)).replace(":", "%3A").replace(",", "%2C")


def sarif(text: str) -> str:
    """Return *text* as a message of SARIF, in which it is neither a link nor a place for an argument."""
    return re.sub(r"\{\d+\}", r"{\g<0>}", re.sub(r"\[(?=[^\[\]]*\]\()", r"\\[", text))


def log_line(text: str) -> str:
    """Return *text* as a line of a job's log that is no command: one begins with two colons, or stands after `##[`."""
    safe = escape(text).replace("##[", "##\\[")
    return re.sub(r"^(\s*)::", r"\1\\::", safe)


_MARKUP = re.compile(r"[\\`*_\[\]<>|~&$]")
_LINKING = re.compile(r"@(?=\w)|#(?=\d)|\b[Gg][Hh]-(?=\d)|:(?=//)|\b[Ww]{3}(?=\.)|:(?=[A-Za-z+-][\w+-]*:)")
_BREAK = "&#8203;"


def markdown(text: str) -> str:
    """Return *text* so that Markdown shows it as it is: no markup, no cell's end, no link, and nobody is mentioned."""
    return _LINKING.sub(rf"\g<0>{_BREAK}", _MARKUP.sub(r"\\\g<0>", escape(text)))


def fence(text: str) -> str:
    """Return a fence of backticks that nothing in *text* closes."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
