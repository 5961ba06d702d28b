"""What of Procrastinate we rely on, held against the package that is installed."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

from procrastinate.sql import queries

from interlock.core.queue import procrastinate
from interlock.core.queue.lanes import queue_of
from interlock.core.queue.port import ERRAND_PRIORITY, JobKind

# Of the tables that revision 0018 makes. If the package has others, keep a copy of these beside it.
TABLES = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


def test_our_statements_call_what_the_packages_own_queries_call():
    def functions(statement):
        return set(re.findall(r"procrastinate_\w+_v\d+(?=\()", statement))

    for ours, query in (
        (procrastinate.DEFER, "defer_jobs"),
        (procrastinate.FETCH, "fetch_job"),
        (procrastinate.FINISH, "finish_job"),
        (procrastinate.RETRY, "retry_job"),
        (procrastinate.CANCEL, "cancel_job"),
    ):
        assert functions(ours) == functions(queries[query]) != set()


def test_the_packages_tables_are_those_that_the_migration_makes():
    made = resources.files("procrastinate").joinpath("sql", "schema.sql").read_bytes()
    assert hashlib.sha256(made).hexdigest() == TABLES


def test_a_queue_is_a_kind_and_a_workflow():
    assert queue_of(JobKind.RUN, "refunds", ERRAND_PRIORITY) == "run:refunds"
    assert queue_of(JobKind.STEP, "refunds", ERRAND_PRIORITY) == "errand:refunds"
    assert queue_of(JobKind.PRUNE, "refunds") == "chore:refunds"
    assert queue_of(JobKind.PRUNE, "") == "chore:"


def test_the_notice_of_any_queue_has_room_for_its_name():
    names = ["ä" * 300, "ä" * 299, "x" * 36, "x" * 37, "x" * 38]
    queues = [queue_of(JobKind.RUN, name) for name in names]
    assert len(set(queues)) == len(names)
    assert max(len(f"procrastinate_queue_v1#{queue}".encode()) for queue in queues) <= 63
