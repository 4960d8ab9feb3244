"""Who watches the job: the log as events, the numbers in a file, the heartbeat. None of them can make a run fail."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from little_country import Country, board, clinic
from prometheus_client.parser import text_string_to_metric_families

from reconciler.cli import run
from reconciler.findings import Exit
from reconciler.monitor import heartbeat

SECRET = "6b3a2f9e-heartbeat-secret"


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "Elsa Efternamn")
    made = Country(tmp_path)
    for code in ("12", "13", "14"):
        made.declare(code, int(code) * 10, int(code) * 10 + 1)
        made.boards[code] = board(code)
    made.write()
    return made


def numbers(file: str = "job.prom") -> dict[str, float]:
    families = text_string_to_metric_families(Path(file).read_text(encoding="utf-8"))
    samples = [sample for family in families for sample in family.samples]
    return {
        " ".join([sample.name.removeprefix("reconciler_"), *sample.labels.values()]): sample.value for sample in samples
    }


def applied(*more: str) -> int:
    return run(["apply", "--metrics-file", "job.prom", *more])


# ---- the log


def events(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    run(["--log-format", "json", *arguments])
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_run_is_told_as_one_event_a_line(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    country.git("init", "-q")
    country.git("add", "config")
    country.git("commit", "-qm", "one")
    told = events(capsys, "apply")
    assert [one["event"] for one in told] == ["run began", "region", "region", "region", "run ended"]
    assert [(one["region"], one["verdict"], one["changes"]) for one in told[1:-1]] == [
        ("12", "applied", 3),
        ("13", "applied", 3),
        ("14", "applied", 3),
    ]
    assert {one["run"] for one in told} == {1}
    assert {one["commit"] for one in told} == {country.git("rev-parse", "HEAD")}
    assert all(isinstance(one["duration"], float) for one in told[1:])
    assert told[-1] | {"timestamp": "", "duration": 0} == {
        "timestamp": "",
        "level": "info",
        "event": "run ended",
        "run": 1,
        "commit": told[0]["commit"],
        "exit": 0,
        "changes": 9,
        "duration": 0,
    }


def test_what_stops_a_run_or_a_part_of_it_is_an_event_too(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    country.file("13").write_text("clinics: [", encoding="utf-8")
    country.register[clinic(121)] = ("Mottagning", "inactive", "12")
    country.write = lambda: None  # type: ignore[method-assign]
    told = events(capsys, "apply")
    stopped = next(one for one in told if one.get("region") == "13" and one["event"] == "region")
    assert (stopped["verdict"], stopped["because"]) == ("stopped", ["yaml-malformed"])
    assert "yaml-malformed" in {one["rule"] for one in told if one["event"] == "finding"}
    (country.folder / "register.csv").unlink()
    told = events(capsys, "apply")
    assert [(one["event"], one.get("source"), one.get("exit")) for one in told if one["event"] != "finding"] == [
        ("failure", "register", None),
        ("run ended", None, 69),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--settings", "no.toml", "apply"], "no.toml"), (["apply", "--region", "99"], "99")]
)
def test_what_is_talked_of_is_an_event_where_the_log_is_json(
    country: Country, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    talked = [one for one in events(capsys, *arguments) if one["event"] == "said"]
    assert [said in str(one["text"]) for one in talked] == [True]
    run(arguments)
    assert not capsys.readouterr().err.startswith("{")


def test_the_log_can_be_text(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    run(["--log-level", "info", "apply"])
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "INFO run began run=1 commit=None changes=9"
    assert told[1].startswith("INFO region run=1 commit=None region=12 verdict=applied changes=3 duration=")
    run(["--log-level", "warning", "apply"])
    assert capsys.readouterr().err == ""


def test_where_no_log_is_asked_for_nothing_is_said_of_it(country: Country) -> None:
    country.file("13").write_text("clinics: [", encoding="utf-8")
    command = [sys.executable, "-m", "reconciler", "apply"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (Exit.LEFT_OUT, "")


def test_nobodys_name_is_in_the_log(country: Country, capsys: pytest.CaptureFixture[str]) -> None:
    run(["--log-format", "json", "--log-level", "debug", "apply"])
    assert "Elsa" not in capsys.readouterr().err


# ---- the numbers


def test_the_numbers_tell_how_a_run_went(country: Country) -> None:
    assert applied() == Exit.DONE
    told = numbers()
    assert told["last_run_exit_code"] == 0
    assert told["last_run_changes"] == 9
    assert told["last_run_findings warning"] == 3
    assert told["last_success_timestamp_seconds"] == told["last_run_timestamp_seconds"]
    assert told["unanswered_runs"] == 0
    for code in ("12", "13", "14"):
        assert told[f"region_last_success_timestamp_seconds {code}"] == told["last_run_timestamp_seconds"]
        assert (told[f"region_settled {code}"], told[f"region_active {code}"]) == (1, 1)
    assert "region_active 01" not in told
    assert [path.name for path in country.folder.glob("job.prom*")] == ["job.prom"]


def test_a_region_that_is_stopped_keeps_its_last_success(country: Country) -> None:
    applied()
    before = numbers()
    country.file("13").write_text("clinics: [", encoding="utf-8")
    assert applied() == Exit.LEFT_OUT
    after = numbers()
    key = "region_last_success_timestamp_seconds"
    assert after[f"{key} 13"] == before[f"{key} 13"]
    assert after[f"{key} 12"] > before[f"{key} 12"]
    assert (after["region_settled 12"], after["region_settled 13"], after["last_run_exit_code"]) == (1, 0, 3)
    assert after["last_success_timestamp_seconds"] > before["last_success_timestamp_seconds"]


def test_runs_without_an_answer_are_counted_until_one_comes(country: Country) -> None:
    applied()
    before = numbers()
    (country.folder / "register.csv").unlink()
    assert [applied(), applied()] == [Exit.UNANSWERED, Exit.UNANSWERED]
    after = numbers()
    assert after["unanswered_runs"] == 2
    assert after["last_success_timestamp_seconds"] == before["last_success_timestamp_seconds"]
    assert after["region_settled 12"] == 0
    assert after["region_active 12"] == 1
    country.write()
    applied()
    assert numbers()["unanswered_runs"] == 0


def test_a_board_that_somebody_took_away_is_told_until_it_is_back(country: Country) -> None:
    applied()
    country.sql("UPDATE complaints_region SET board_hsa_id = NULL, board_name = NULL WHERE region_code = '13'")
    assert applied() == Exit.LEFT_OUT
    assert (numbers()["region_board_missing 13"], numbers()["region_active 13"]) == (1, 0)
    country.approve("board-changed-elsewhere", "13", days=365)
    assert applied() == Exit.DONE
    assert (numbers()["region_board_missing 13"], numbers()["region_active 13"]) == (1, 1)
    applied()
    assert numbers()["region_board_missing 13"] == 0


def test_a_region_that_never_had_a_board_misses_none(country: Country) -> None:
    country.boards["13"] = None
    country.write()
    applied()
    assert (numbers()["region_active 13"], numbers()["region_board_missing 13"]) == (0, 0)


def test_a_region_whose_board_is_removed_with_an_approval_is_not_active_and_misses_none(country: Country) -> None:
    applied()
    country.boards["13"] = None
    country.approve("deactivates-region", "13", days=365)
    country.write()
    assert applied() == Exit.DONE
    assert (numbers()["region_active 13"], numbers()["region_board_missing 13"]) == (0, 0)


def test_a_board_that_somebody_took_away_and_no_file_wants_is_not_missed(country: Country) -> None:
    applied()
    country.sql("UPDATE complaints_region SET board_hsa_id = NULL, board_name = NULL WHERE region_code = '13'")
    country.boards["13"] = None
    country.write()
    applied()
    assert (numbers()["region_active 13"], numbers()["region_board_missing 13"]) == (0, 0)


def test_a_run_that_could_not_begin_is_told_as_well(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    applied()
    before = numbers()
    assert run(["--settings", "no.toml", "apply", "--metrics-file", "job.prom"]) == Exit.SETTINGS
    after = numbers()
    assert after["last_run_exit_code"] == 78
    assert after["region_last_success_timestamp_seconds 14"] == before["region_last_success_timestamp_seconds 14"]
    assert after["region_settled 14"] == 1
    assert applied("--region", "99") == Exit.USAGE
    assert numbers()["last_run_exit_code"] == 64
    monkeypatch.setattr("reconciler.pipeline.apply", lambda *_: 1 / 0)
    assert applied() == Exit.BUG
    assert numbers()["last_run_exit_code"] == 70


def test_a_run_that_is_interrupted_is_told_as_well(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.pipeline.apply", interrupted)
    assert applied() == Exit.INTERRUPTED
    assert numbers()["last_run_exit_code"] == 130


def test_a_region_that_is_no_longer_kept_is_no_longer_told(country: Country) -> None:
    applied()
    settings = country.folder / "reconciler.toml"
    settings.write_text(settings.read_text().replace('"12", "13", "14"', '"12", "14"'), encoding="utf-8")
    applied()
    assert "region_settled 12" in numbers()
    assert not [name for name in numbers() if name.endswith(" 13")]


@pytest.mark.parametrize("content", ["", "reconciler_unanswered_runs ett\n", "\x00{}{}{"])
def test_a_file_that_was_damaged_is_written_anew(country: Country, content: str) -> None:
    Path("job.prom").write_text(content, encoding="utf-8")
    assert applied() == Exit.DONE
    assert numbers()["last_run_exit_code"] == 0


def test_numbers_that_cannot_be_written_are_said_and_fail_nothing(
    country: Country, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "--metrics-file", "no/such/folder/job.prom"]) == Exit.DONE
    assert "the metrics were not written to no/such/folder/job.prom: No such file" in capsys.readouterr().err
    Path("job.prom").write_bytes(b"\xff\xfe")
    assert applied() == Exit.DONE


def test_whatever_goes_wrong_with_the_numbers_fails_nothing(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reconciler.monitor.metrics.write", lambda *_: 1 / 0)
    assert applied() == Exit.DONE
    assert "the metrics were not written to job.prom: ZeroDivisionError" in capsys.readouterr().err


# ---- the heartbeat


class Heard(NamedTuple):
    address: str
    beats: list[tuple[str, str]]
    answers: dict[str, int]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    beats: list[tuple[str, str]] = []
    answers = {"status": 200}

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"])).decode()
            beats.append((self.path.replace(SECRET, "…"), said.strip()))
            self.send_response(answers["status"])
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/ping/{SECRET}"
        monkeypatch.setenv("RECONCILER_HEARTBEAT_URL", address)
        yield Heard(address, beats, answers)
        server.shutdown()


def test_a_heartbeat_is_heard_at_the_beginning_and_at_the_end(country: Country, heard: Heard) -> None:
    assert run(["apply"]) == Exit.DONE
    assert heard.beats == [("/ping/…/start", ""), ("/ping/…", "exit 0, run 1, 9 changes")]


def test_the_end_tells_what_it_was(country: Country, heard: Heard) -> None:
    assert run(["--settings", "no.toml", "apply"]) == Exit.SETTINGS
    (country.folder / "register.csv").unlink()
    assert run(["apply"]) == Exit.UNANSWERED
    country.write()
    country.file("13").write_text("clinics: [", encoding="utf-8")
    assert run(["apply"]) == Exit.LEFT_OUT
    assert [path for path, _ in heard.beats if not path.endswith("start")] == ["/ping/…/78", "/ping/…/log", "/ping/…"]


def test_somebody_is_called_while_a_region_is_without_its_board(country: Country, heard: Heard) -> None:
    run(["apply"])
    country.sql("UPDATE complaints_region SET board_hsa_id = NULL, board_name = NULL WHERE region_code = '13'")
    assert run(["apply"]) == Exit.LEFT_OUT
    country.approve("board-changed-elsewhere", "13", days=365)
    assert run(["apply"]) == Exit.DONE
    assert [path for path, _ in heard.beats if not path.endswith("start")] == ["/ping/…", "/ping/…/3", "/ping/…"]


def test_somebody_is_called_though_nothing_failed_where_the_region_without_its_board_is_on_hold(
    country: Country, heard: Heard
) -> None:
    run(["apply"])
    country.sql("UPDATE complaints_region SET board_hsa_id = NULL, board_name = NULL WHERE region_code = '13'")
    country.approve("board-changed-elsewhere", "13", days=365)
    with Path("reconciler.toml").open("a", encoding="utf-8") as settings:
        settings.write('[hold]\nregions = ["13"]\n')
    assert run(["apply"]) == Exit.DONE
    assert heard.beats[-1][0] == "/ping/…/3"


def test_nobody_is_called_for_a_board_that_was_to_go(country: Country, heard: Heard) -> None:
    run(["apply"])
    country.boards["13"] = None
    country.approve("deactivates-region", "13", days=365)
    country.write()
    assert [run(["apply"]), run(["apply"])] == [Exit.DONE, Exit.DONE]
    assert {path for path, _ in heard.beats} == {"/ping/…/start", "/ping/…"}


def test_the_address_can_stand_in_a_file(country: Country, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECONCILER_HEARTBEAT_URL")
    Path("secret").write_text(f"{heard.address}/\n", encoding="utf-8")
    monkeypatch.setenv("RECONCILER_HEARTBEAT_URL_FILE", "secret")
    run(["apply"])
    assert [path for path, _ in heard.beats] == ["/ping/…/start", "/ping/…"]


def test_nobody_who_looks_but_does_not_apply_is_heard(country: Country, heard: Heard) -> None:
    run(["plan"])
    run(["status"])
    assert heard.beats == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("status", "404"),
        ("elsewhere", "302"),
        ("refused", "NewConnectionError"),
        ("silent", "no answer in time"),
        ("nonsense", "URLSchemeUnknown"),
        ("no address", "ValueError"),
        ("no file", "No such file or directory"),
    ],
)
def test_a_heartbeat_that_nobody_hears_fails_nothing_and_tells_why_but_no_secret(
    country: Country,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: str,
    reason: str,
) -> None:
    monkeypatch.setattr(heartbeat, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        closed = f"http://127.0.0.1:1/{SECRET}"
        addresses = {
            "refused": closed,
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}/{SECRET}",
            "nonsense": f"gopher://{SECRET}",
            "no address": f"http://[{SECRET}",
            "no file": "",
        }
        heard.answers["status"] = 302 if trouble == "elsewhere" else 404
        monkeypatch.setenv("RECONCILER_HEARTBEAT_URL", addresses.get(trouble, heard.address))
        monkeypatch.setenv("RECONCILER_HEARTBEAT_URL_FILE", "no-such-file")
        assert run(["--log-level", "debug", "apply"]) == Exit.DONE
    said = capsys.readouterr()
    told = [line for line in said.err.splitlines() if line.startswith("the heartbeat was not heard")]
    assert told == [f"the heartbeat was not heard: {reason}"] * 2
    assert said.err.count("see that RECONCILER_HEARTBEAT_URL is the address") == (0 if trouble == "no file" else 2)
    assert SECRET not in said.err + said.out
