"""A client of yaml-language-server, which editors run: it opens a region file, and hears what the editor would show."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parent.parent
SERVER = ROOT / ".venv/editor/node_modules/yaml-language-server/bin/yaml-language-server"
Answer = dict[str, Any]


class Editor:
    """An editor that has the clone open, with the settings that the clone brings along."""

    def __init__(self, node: str) -> None:
        self.process = subprocess.Popen(
            [node, str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.asked = 0
        self.file = ROOT
        self.settings = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))

    def __enter__(self) -> Editor:
        folder = {"uri": ROOT.as_uri(), "name": "clone"}
        able = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
        }
        self.ask("initialize", processId=None, rootUri=ROOT.as_uri(), workspaceFolders=[folder], capabilities=able)
        self._say({"method": "initialized", "params": {}})
        yaml = {key.removeprefix("yaml."): value for key, value in self.settings.items() if key.startswith("yaml.")}
        yaml["schemaStore"] = {"enable": False}
        self._say({"method": "workspace/didChangeConfiguration", "params": {"settings": {"yaml": yaml}}})
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
        self.process.wait()

    def opened(self, text: str) -> list[tuple[int, str]]:
        """Open a new region file, not saved, and return what is underlined in it: line from 1, and message."""
        self.asked += 1
        self.file = ROOT / f"config/regions/14-new-{self.asked}.yaml"
        document = {"uri": self.file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._say({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while (heard := self._hear()).get("method") != "textDocument/publishDiagnostics":
            self._serve(heard)
        found = heard["params"]["diagnostics"]
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]

    def at(self, method: str, line: int, column: int) -> Any:
        """Ask what is at a place, from 1, of the file that was opened last: a hover or a completion."""
        place = {"line": line - 1, "character": column - 1}
        return self.ask(f"textDocument/{method}", textDocument={"uri": self.file.as_uri()}, position=place)

    def ask(self, method: str, **parameters: Any) -> Any:
        self.asked += 1
        self._say({"id": self.asked, "method": method, "params": parameters})
        while (heard := self._hear()).get("id") != self.asked or "method" in heard:
            self._serve(heard)
        return heard["result"]

    def _serve(self, heard: Answer) -> None:
        """Answer what the server asks of every editor: nothing is configured beyond what was told."""
        if "id" in heard:
            items = heard.get("params", {}).get("items", [])
            self._say({"id": heard["id"], "result": [self._section(one.get("section", "")) for one in items]})

    def _section(self, name: str) -> Any:
        whole: Answer = {"schemaStore": {"enable": False}}
        whole |= {key.removeprefix("yaml."): value for key, value in self.settings.items() if key.startswith("yaml.")}
        return whole if name == "yaml" else None

    def _say(self, message: Answer) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _hear(self) -> Answer:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            assert line, "the server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        heard: Answer = json.loads(self.process.stdout.read(length))
        return heard
