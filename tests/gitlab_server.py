"""A stand-in for GitLab's API: the issues of one project, on 127.0.0.1."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]


@dataclass
class GitLab:
    """The issues so far; `wrote` is every request that changed something."""

    issues: list[Document] = field(default_factory=list)
    token: str = "a token"
    wrote: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, asked: dict[str, list[str]], body: Document) -> tuple[int, Any]:
        """Return status and document."""
        if method == "GET" and path == "issues":
            return 200, [one for one in self.issues if self._fits(one, asked)]
        self.wrote.append(f"{method} {path}")
        if method == "POST" and path == "issues":
            self.issues.append({"iid": len(self.issues) + 1, "state": "opened", "author": "the token"} | body)
            return 201, self.issues[-1]
        there = next((one for one in self.issues if path == f"issues/{one['iid']}"), None)
        if method != "PUT" or there is None:
            return 404, {"message": "404 Not found"}
        closed = {"state": "closed"} if body.pop("state_event", "") == "close" else {}
        there.update(body | closed)
        return 200, there

    def _fits(self, issue: Document, asked: dict[str, list[str]]) -> bool:
        mine = asked["scope"] == ["created_by_me"]
        return [issue["state"], issue["labels"]] == [*asked["state"], *asked["labels"]] and (
            not mine or issue["author"] == "the token"
        )


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    stand: GitLab

    def _answer(self) -> None:
        there = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        project = re.fullmatch("/projects/7/(.*)", there.path)
        if self.headers["PRIVATE-TOKEN"] != self.stand.token:
            status, document = 401, {"message": "401 Unauthorized"}
        elif not project:
            status, document = 404, {"message": "404 Project Not Found"}
        else:
            status, document = self.stand.answer(self.command, project[1], parse_qs(there.query), body)
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[GitLab]:
    """Give the stand-in while it listens."""
    stand = GitLab()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"stand": stand})) as server:
        stand.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield stand
        server.shutdown()
        thread.join()
