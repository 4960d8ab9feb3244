"""Every text that a person reads passes here, so that it can be said in another language; numbers and times do too.

Texts are English in the source. This module knows no text of its own.
"""

from datetime import date, datetime
from gettext import NullTranslations, translation
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
_catalogue = NullTranslations()
_language = "en"


def speak(language: str) -> None:
    """Say every text from now on in *language* (`sv`, `en`); one without a catalogue is said in English."""
    global _catalogue, _language  # noqa: PLW0603  (a process speaks one language)
    _language = language
    _catalogue = translation("reconciler", LOCALE, [language], fallback=True)


def _(text: str) -> str:
    """Return *text* in the language that is spoken."""
    return _catalogue.gettext(text)


def mark(text: str) -> str:
    """Return *text* as it is: it stands in a table, and is put into the language with `_` when it is said."""
    return text


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form for *count* in the language that is spoken."""
    return _catalogue.ngettext(one, many, count)


def number(count: int) -> str:
    """Return *count* as it is written in the language that is spoken: 12,000 and 12 000."""
    if _language == "sv":
        return f"{count:,}".replace(",", " ") if count >= 10_000 else str(count)
    return f"{count:,}"


def tenths(value: float) -> str:
    """Return *value* with one decimal, as it is written in the language that is spoken: 0.5 and 0,5."""
    return f"{value:.1f}".replace(".", "," if _language == "sv" else ".")


def moment(time: datetime) -> str:
    """Return *time* as a clock in Stockholm shows it, to the minute; both languages write it alike."""
    return _in_stockholm(time).strftime("%Y-%m-%d %H:%M")


def day(time: datetime) -> date:
    """Return the day that it is in Stockholm at *time*."""
    return _in_stockholm(time).date()


def _in_stockholm(time: datetime) -> datetime:
    from zoneinfo import ZoneInfo  # most runs say no time

    return time.astimezone(ZoneInfo("Europe/Stockholm"))
