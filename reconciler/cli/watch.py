"""Who watches a run of apply: the log, the numbers in a file, the heartbeat. None of them can make it fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.shared import now, talk
from reconciler.findings import Exit, Failure
from reconciler.words import _, mark

if TYPE_CHECKING:
    from reconciler.model import Settings
    from reconciler.results import Applied


def metrics_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--metrics-file`."""
    return click.option(
        "--metrics-file",
        "metrics",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="RECONCILER_METRICS_FILE",
        help=mark("Write how the run went for Prometheus' node exporter, as a file that ends with .prom."),
    )


class Watch:
    """What is known of a run while it lasts; None until it is."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.applied: Applied | None = None


@contextmanager
def watched(metrics: Path | None) -> Iterator[Watch]:
    """Tell who watches that a run begins, and how it ended, whatever it ended with."""
    began, watch, code = monotonic(), Watch(), Exit.BUG
    _beat(None, "")
    try:
        yield watch
        code = watch.applied.exit if watch.applied else Exit.DONE
    except Failure as failure:
        code = failure.exit
        raise
    except click.ClickException:
        code = Exit.USAGE
        raise
    except (KeyboardInterrupt, click.Abort):
        code = Exit.INTERRUPTED
        raise
    finally:
        from reconciler import signals

        with signals.waiting():
            _tell(metrics, watch, code, monotonic() - began)


def _tell(metrics: Path | None, watch: Watch, code: Exit, seconds: float) -> None:
    _log(watch.applied, code, seconds)
    if metrics:
        from reconciler.model import REGIONS
        from reconciler.monitor.metrics import Ended, write

        kept = watch.settings.regions if watch.settings else tuple(REGIONS)
        ended = Ended(now(), seconds, code, watch.applied)
        _in_any_case(
            lambda: write(metrics, ended, kept), _("the metrics were not written to {path}").format(path=metrics)
        )
    run, changes = (watch.applied.run, watch.applied.applied) if watch.applied else (None, 0)
    _beat(code, f"exit {int(code)}, run {run or '-'}, {changes} changes\n", watch.applied)


def _log(applied: Applied | None, code: Exit, seconds: float) -> None:
    import logging

    log = logging.getLogger("reconciler.run")
    if not log.hasHandlers():
        return  # nobody listens, and Python would say warnings on stderr by itself
    planned = applied.planned if applied else None
    which = {"run": applied.run if applied else None, "commit": planned.commit if planned else None}
    for finding in planned.findings if planned else ():
        if finding.is_error:
            about = {"rule": finding.rule.id, "region": finding.region, "subject": finding.subject}
            log.warning("finding", extra={**which, **about, "problem": finding.problem})
    for failure in planned.failures if planned else ():
        about = {"source": failure.source, "kind": failure.kind}
        log.error("failure", extra={**which, **about, "problem": failure.problem})
    counted = {"changes": applied.applied if applied else 0, "duration": round(seconds, 3)}
    log.info("run ended", extra={**which, "exit": int(code), **counted})


def _beat(code: Exit | None, said: str, applied: Applied | None = None) -> None:
    """Tell the heartbeat, if there is one; its address is a secret, and comes from the environment or a file."""
    address, file = (os.environ.get(f"RECONCILER_HEARTBEAT_URL{end}", "").strip() for end in ("", "_FILE"))
    if not address and not file:
        return
    from reconciler.monitor.heartbeat import beat
    from reconciler.monitor.metrics import residents_shut_out

    def told() -> None:
        where = address or Path(file).read_text(encoding="utf-8").strip()
        beat(where, code, said, shut_out=bool(applied and residents_shut_out(applied)))

    _in_any_case(told, _("the heartbeat was not heard"))


def _in_any_case(work: Callable[[], None], failed: str) -> None:
    """Do *work*; where it fails, say so, and go on."""
    try:
        work()
    except Failure as failure:
        talk(f"{failure.problem}\n    {failure.remedy}")
    except OSError as error:
        talk(f"{failed}: {error.strerror or type(error).__name__}")
    except Exception as error:  # noqa: BLE001  (whatever it is, the run goes on)
        talk(f"{failed}: {type(error).__name__}")
