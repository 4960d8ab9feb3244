"""One polite, bounded way to GET over HTTP: what register and TAK are asked with.

Whatever happens out there ends in time, as an `Answer` or as a `Failure` that tells what went wrong: no name, no
connection, no trust, no permission, no answer in time, half an answer, far too much of one. It knows no record and no
domain. No secret is ever in a text that it makes.
"""

from __future__ import annotations

import json
import logging
import shlex
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from reconciler import __version__
from reconciler.findings import Exit, Failure, reason_of
from reconciler.model import HttpSettings
from reconciler.sources.patience import in_time
from reconciler.sources.trouble import of_address, of_status, of_time, of_trouble
from reconciler.words import _

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager, Retry

log = logging.getLogger("reconciler.http")

_CHUNK = 64 * 1024
_REDIRECTS = 5
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
AGAIN = frozenset({429, 500, 502, 503, 504})
"""The answers that are asked for again. 401 and 403 are not: an account may be locked by trying."""


class Answer(NamedTuple):
    """What came back. `fresh` is False where the answer is the one that the asker has already (304)."""

    body: bytes
    url: str
    content_type: str = ""
    etag: str | None = None
    fresh: bool = True
    seconds: float = 0.0


@dataclass
class Session:
    """Some requests to one system, within one limit of time; `source` names it in failures and in the environment."""

    source: str
    settings: HttpSettings
    pool: PoolManager
    headers: dict[str, str] = field(repr=False)
    deadline: float

    def get(self, url: str, *, etag: str | None = None) -> Answer:
        """Return the answer of *url*, in bytes; with *etag*, perhaps only that it is still the same."""
        began = time.monotonic()
        late = of_time(self.source, url, self.settings.total_timeout)
        try:
            answer = in_time(self.deadline - began, lambda given_up: self._followed(url, etag, given_up), late)
        except Failure as failure:
            raise _unheard(failure, self.headers) from failure
        return answer._replace(seconds=time.monotonic() - began)

    def _followed(self, url: str, etag: str | None, given_up: threading.Event) -> Answer:
        """Follow redirects on the same server; to another one the credentials would go along."""
        seen = [url]
        while True:
            answer, location = self._asked(seen[-1], etag, given_up)
            if location is None:
                return answer
            following = urljoin(seen[-1], location)
            if urlsplit(following)[:2] != urlsplit(url)[:2]:
                raise of_address(self.source, url, _("it sends on to another server, {url}").format(url=following))
            if following in seen or len(seen) > _REDIRECTS:
                raise of_address(self.source, url, _("it sends round in a circle, to {url}").format(url=following))
            seen.append(following)

    def _asked(self, url: str, etag: str | None, given_up: threading.Event) -> tuple[Answer, str | None]:
        headers = {**self.headers, "If-None-Match": etag} if etag else self.headers
        log.debug("%s", curl(self.source, self.settings, url, etag))
        from urllib3.exceptions import HTTPError  # wanted only where something is asked

        try:
            response = self.pool.request("GET", url, headers=headers, preload_content=False, redirect=False)
            try:
                log.debug("%s %s", response.status, url)
                return self._read(response, url, given_up)
            finally:
                response.close()
        except (HTTPError, OSError, ValueError) as error:
            raise of_trouble(self.source, url, error) from error

    def _read(self, response: BaseHTTPResponse, url: str, given_up: threading.Event) -> tuple[Answer, str | None]:
        etag, content_type = response.headers.get("ETag"), response.headers.get("Content-Type", "")
        if response.status in _REDIRECTED:
            return Answer(b"", url), response.headers.get("Location", url)
        if response.status == 304:
            return Answer(b"", url, content_type, etag, fresh=False), None
        if response.status != 200:
            said = response.read(2000, decode_content=True).decode("utf-8", "replace")
            raise of_status(self.source, url, response.status, said, response.headers.get("Retry-After"))
        body = bytearray()
        for chunk in response.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.settings.max_megabytes * 1024 * 1024 or given_up.is_set():
                raise _too_large(self.source, url, self.settings.max_megabytes)
        if "html" in content_type.lower():
            raise _page(self.source, url)
        return Answer(bytes(body), url, content_type, etag), None


@contextmanager
def session(source: str, settings: HttpSettings) -> Iterator[Session]:
    """Open a session with what the settings give: credentials, certificates, limits."""
    pool = _pool(source, settings)
    try:
        yield Session(
            source,
            settings,
            pool,
            _headers(source, settings),
            time.monotonic() + settings.total_timeout.total_seconds(),
        )
    finally:
        pool.clear()


def curl(source: str, settings: HttpSettings, url: str, etag: str | None = None) -> str:
    """Return the request as a command that can be pasted; secrets are named by the variables that hold them."""
    words = ["curl", "-sS", "--compressed", "-H", "Accept: application/json"]
    if etag:
        words += ["-H", f"If-None-Match: {etag}"]
    for flag, path in (("--cacert", settings.ca), ("--cert", settings.certificate), ("--key", settings.key)):
        words += [flag, str(path)] if path else []
    named = f"RECONCILER_{source.upper()}"
    secret = f' -u "${named}_USER:${named}_PASSWORD"' if settings.user else ""
    if settings.token or settings.token_file:
        secret = f' -H "Authorization: Bearer ${named}_TOKEN"'
    return f"{shlex.join(words)}{secret} {shlex.quote(url)}"


# ---- how a session is made


def _pool(source: str, settings: HttpSettings) -> PoolManager:
    import urllib3  # wanted only where something is asked

    return urllib3.PoolManager(
        ssl_context=_trust(source, settings),
        timeout=urllib3.Timeout(
            connect=settings.connect_timeout.total_seconds(), read=settings.read_timeout.total_seconds()
        ),
        retries=_retry(settings),
    )


def _retry(settings: HttpSettings) -> Retry:
    import urllib3

    return urllib3.Retry(
        total=settings.retries,
        other=0,
        redirect=False,
        status_forcelist=AGAIN,
        allowed_methods={"GET"},
        backoff_factor=settings.backoff.total_seconds(),
        backoff_max=30,
        backoff_jitter=settings.backoff.total_seconds(),
        raise_on_status=False,
    )


def _trust(source: str, settings: HttpSettings) -> object:
    import ssl

    try:
        if not settings.ca and not settings.certificate:
            return _trust_of_the_machine()
        trust = ssl.create_default_context(cafile=settings.ca)
        if settings.certificate:
            trust.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except (OSError, ValueError) as error:  # a certificate that is no certificate is an OSError too
        files = ", ".join(str(path) for path in (settings.ca, settings.certificate, settings.key) if path)
        raise Failure(
            source,
            "certificate",
            problem=_("the certificates {files} cannot be used: {reason}").format(files=files, reason=error),
            remedy=_("give files in PEM form, the key without a password"),
            exit=Exit.SETTINGS,
        ) from error
    return trust


@cache
def _trust_of_the_machine() -> object:
    """Return what trusts whom the machine trusts: those are many, and are read once for all that are asked."""
    import ssl

    return ssl.create_default_context()


def _unheard(failure: Failure, headers: Mapping[str, str]) -> Failure:
    """Return the failure without our credentials: there are servers that say again what they were sent."""
    kind, _blank, sent = headers.get("Authorization", "").partition(" ")
    password = b64decode(sent).decode().partition(":")[2] if kind == "Basic" else ""
    problem = failure.problem
    for secret in (sent, password, json.dumps(password)[1:-1]):
        problem = problem.replace(secret, "…") if secret else problem
    return Failure(failure.source, failure.kind, problem=problem, remedy=failure.remedy, exit=failure.exit)


def _no_password() -> str:
    """Keep OpenSSL from asking the terminal for the key's password."""
    return ""


def _headers(source: str, settings: HttpSettings) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"reconciler/{__version__}"}
    token = settings.token or from_file(source, settings, "token")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif settings.user:
        password = settings.password or from_file(source, settings, "password")
        # Sent at once: TAK answers 401 without saying that it wants Basic.
        headers["Authorization"] = "Basic " + b64encode(f"{settings.user}:{password}".encode()).decode()
    return headers


def from_file(source: str, settings: HttpSettings, what: str) -> str:
    """Return the token or the password that stands in the file which the settings name; else nothing."""
    path = settings.token_file if what == "token" else settings.password_file
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            source,
            "secret",
            problem=_("{path} cannot be read: {reason}").format(
                path=path, reason=reason_of(error) if isinstance(error, OSError) else "UTF-8"
            ),
            remedy=_("see that the file is there, and that you may read it"),
            exit=Exit.SETTINGS,
        ) from error


# ---- what only a body can be


def _too_large(source: str, url: str, most: int) -> Failure:
    return Failure(
        source,
        "too-large",
        problem=_("{url} gives more than {most} MB").format(url=url, most=most),
        remedy=_("see what it sends; if it should be that much, raise max_megabytes"),
    )


def _page(source: str, url: str) -> Failure:
    return Failure(
        source,
        "malformed",
        problem=_("{url} gives a web page, not JSON").format(url=url),
        remedy=_("see with curl what stands there: often a login, or the page of a proxy"),
    )
