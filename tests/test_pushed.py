"""The numbers of a job in Kubernetes, kept at a Pushgateway: each run counts on from the one before."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from handed_out import BIN, ROOT
from little_country import Country
from prometheus_client.parser import text_string_to_metric_families

from reconciler.findings import Exit

pytestmark = pytest.mark.usefixtures("unmeasured")

PUSHED = ROOT / "deploy/kubernetes/pushed.py"
CRONJOB = yaml.safe_load((ROOT / "deploy/kubernetes/cronjob.yaml").read_text(encoding="utf-8"))
(CONTAINER,) = CRONJOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
Groups = dict[str, str]


class Gateway(BaseHTTPRequestHandler):
    """A stand-in for a Pushgateway: what is put under /metrics/job/…, with the labels of that path."""

    groups: Groups

    def do_PUT(self) -> None:
        self.groups[self.path] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer("")

    def do_GET(self) -> None:
        self._answer("".join(labelled(path, text) for path, text in self.groups.items()))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def labelled(path: str, text: str) -> str:
    words = path.split("/")[2:]
    ours = {"instance": ""} | dict(zip(words[::2], words[1::2], strict=True))
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (.*)", line).groups()  # type: ignore[union-attr]
            every = sorted({**ours, **dict(re.findall(r'(\w+)="([^"]*)"', labels or ""))}.items())
            shown = ",".join(f'{key}="{one}"' for key, one in every)
            line = f"{name}{{{shown}}} {value}"  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[Groups]:
    kept: Groups = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Gateway,), {"groups": kept})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("RECONCILER_PUSHGATEWAY_URL", f"http://127.0.0.1:{server.server_port}/")
        yield kept
        server.shutdown()


@pytest.fixture
def country(tmp_path: Path) -> Country:
    made = Country(tmp_path / "repo")
    made.declare("14", 1, 2)
    return made


def pod(country: Country, folder: Path, **environ: str) -> tuple[int, str]:
    """Run what the container runs in a pod of its own, where nothing is left of another one."""
    home = folder / f"pod{len(list(folder.glob('pod*')))}"
    home.mkdir()
    for name, does in {
        "reconciler-numbers": f'exec {sys.executable} {PUSHED} "$@"',
        "sleep": "exit 0",
    }.items():
        (home / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (home / name).chmod(0o755)
    given = {one["name"]: one["value"].replace("/repo", str(home)) for one in CONTAINER["env"]}
    known = {key: os.environ[key] for key in ("COVERAGE_PROCESS_CONFIG",) if key in os.environ}
    url = {"RECONCILER_PUSHGATEWAY_URL": os.environ["RECONCILER_PUSHGATEWAY_URL"]}
    ran = subprocess.run(
        [*CONTAINER["command"], *CONTAINER["args"]],
        cwd=country.folder,
        env=known | given | url | environ | {"PATH": f"{home}:{BIN}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stderr


def numbers(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name.removeprefix("reconciler_"): sample.value for sample in samples}


def test_a_run_counts_on_from_the_one_before(country: Country, tmp_path: Path, groups: Groups) -> None:
    assert pod(country, tmp_path) == (0, "")
    (path,) = groups
    assert path == "/metrics/job/reconciler"
    first = numbers(groups[path])
    assert first["last_run_exit_code"] == 0
    (country.folder / "register.csv").unlink()
    assert pod(country, tmp_path)[0] == pod(country, tmp_path)[0] == Exit.UNANSWERED
    after = numbers(groups[path])
    assert after["unanswered_runs"] == 2
    for name in ("last_success_timestamp_seconds", "region_last_success_timestamp_seconds"):
        assert after[name] == first[name]


def test_what_is_left_out_goes_on_in_the_next_pod(country: Country, tmp_path: Path, groups: Groups) -> None:
    country.file("13").write_text("clinics: [", encoding="utf-8")
    assert pod(country, tmp_path)[0] == 0
    (country.folder / "register.csv").unlink()
    assert pod(country, tmp_path)[0] == Exit.UNANSWERED
    assert numbers(*groups.values())["ticket_exit_code"] == 3


def test_each_pod_of_an_indexed_job_has_its_own(country: Country, tmp_path: Path, groups: Groups) -> None:
    assert pod(country, tmp_path)[0] == 0
    (country.folder / "register.csv").unlink()
    for index in ("0", "1", "1"):
        pod(country, tmp_path, RECONCILER_SHARD="3", JOB_COMPLETION_INDEX=index)
    counted = {path: numbers(text)["unanswered_runs"] for path, text in groups.items()}
    assert counted == {
        "/metrics/job/reconciler": 0,
        "/metrics/job/reconciler/shard/0": 1,
        "/metrics/job/reconciler/shard/1": 2,
    }


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1", "gopher://nowhere"])
def test_without_a_gateway_a_run_is_a_run(country: Country, tmp_path: Path, groups: Groups, url: str) -> None:
    code, told = pod(country, tmp_path, RECONCILER_PUSHGATEWAY_URL=url)
    assert code == 0
    assert told.count("mätvärdena nådde inte fram: ") == (2 if url else 0)
    assert len(country.enrolled()) == 2
