"""The register over HTTP: one document, or pages that each name the next.

A page is a document of its own, made at the same moment as the others. A link that leads back, or on and on, ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from reconciler.findings import Exit, Failure
from reconciler.model import RegisterSettings
from reconciler.sources import register_json
from reconciler.sources.answer import as_text, malformed
from reconciler.sources.record import Answer, incomplete
from reconciler.words import _

if TYPE_CHECKING:
    from reconciler.sources.http import Session

_MOST_PAGES = 1_000


def read(settings: RegisterSettings) -> Answer | None:
    """Return the records of all pages; None where the server says that it is what we know already."""
    from reconciler.sources.http import session  # wanted only where a server is asked

    url = settings.http.url
    if urlsplit(url).scheme not in ("http", "https"):
        raise Failure(
            "register",
            "missing",
            problem=_("the settings give no address for it"),
            remedy=_('write url = "https://…" in the table [register] of the settings'),
            exit=Exit.SETTINGS,
        )
    with session("register", settings.http) as asking:
        first = asking.get(url, etag=settings.known.etag if settings.known else None)
        if not first.fresh:
            return None
        document = register_json.parsed(as_text("register", url, first.body), url)
        pages = [(url, document), *_further(asking, url, document, len(first.body))]
    records = [
        ([(page, n) for n in range(len(found["clinics"]))], found["clinics"])
        for page, (_url, found) in enumerate(pages, 1)
    ]
    return Answer(document.get("generated_at"), records, _where, first.etag if len(pages) == 1 else None)


def _where(at: tuple[int, int], field: str | None) -> str:
    page, n = at
    return _("page {page}, {record}").format(page=page, record=register_json.where(n, field))


def _further(asking: Session, url: str, document: dict[str, Any], size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pages after the first, each once."""
    seen, made, most = [url], document.get("generated_at"), asking.settings.max_megabytes
    while document.get("next") is not None:
        following = _next(seen, document["next"])
        body = asking.get(following).body
        size += len(body)
        if size > most << 20 or len(seen) >= _MOST_PAGES:
            raise malformed("register", following, _("the pages do not end: {n} so far").format(n=len(seen)))
        seen.append(following)
        document = register_json.parsed(as_text("register", following, body), following)
        if document.get("generated_at") != made:
            raise incomplete(_("it was made anew while its pages were read: {url}").format(url=following))
        yield following, document


def _next(seen: list[str], link: object) -> str:
    following = urljoin(seen[-1], link) if isinstance(link, str) else ""
    if urlsplit(following)[:2] != urlsplit(seen[0])[:2]:
        raise malformed("register", seen[-1], _("its next page, {link}, is not on the same server").format(link=link))
    if following in seen:
        raise malformed("register", seen[-1], _("its next page is one that was read: {link}").format(link=link))
    return following
