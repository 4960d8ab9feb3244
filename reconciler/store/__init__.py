"""The database: the only place with SQL. What is settled, planned or allowed is decided elsewhere."""

from reconciler.store.answers import answering
from reconciler.store.engine import connected, engine, exists, locks_all, reading, shown, writing
from reconciler.store.execute import Done, Taking, Work, predicted, settle_region
from reconciler.store.forget import Forgotten, forget
from reconciler.store.grants import grants
from reconciler.store.history import (
    Log,
    LoggedChange,
    LoggedRun,
    Wanted,
    read_log,
    reverts,
    run_exists,
    state_at,
    whole_since,
)
from reconciler.store.log import Head, RunHeader, begin_run, chain_heads, finish_run, logged, verify_chain
from reconciler.store.observe import (
    LastRun,
    approvals_taken,
    last_commit,
    last_run,
    observe,
    observe_region,
    row_wanted,
    without_row,
)
from reconciler.store.remember import Incoming, keep_incoming, last_answer, remembered
from reconciler.store.schema import check, init, upgrade
from reconciler.store.tables import SCHEMA, as_text

__all__ = [
    "SCHEMA",
    "Done",
    "Forgotten",
    "Head",
    "Incoming",
    "LastRun",
    "Log",
    "LoggedChange",
    "LoggedRun",
    "RunHeader",
    "Taking",
    "Wanted",
    "Work",
    "answering",
    "approvals_taken",
    "as_text",
    "begin_run",
    "chain_heads",
    "check",
    "connected",
    "engine",
    "exists",
    "finish_run",
    "forget",
    "grants",
    "init",
    "keep_incoming",
    "last_answer",
    "last_commit",
    "last_run",
    "locks_all",
    "logged",
    "observe",
    "observe_region",
    "predicted",
    "read_log",
    "reading",
    "remembered",
    "reverts",
    "row_wanted",
    "run_exists",
    "settle_region",
    "shown",
    "state_at",
    "upgrade",
    "verify_chain",
    "whole_since",
    "without_row",
    "writing",
]
