"""How text from files and registers is kept from being obeyed: by terminals, by jobs' logs, by Markdown.

Names of files, of clinics, and what is typed in a file are data, whatever they hold. Knows no result and no document.
"""

from __future__ import annotations


def escape(text: str) -> str:
    r"""Return *text* with all that is not seen as itself spelt out: control characters, line breaks, as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
