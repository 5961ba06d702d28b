"""
On Postgres, Procrastinate's tables beside the book of jobs, and what wakes those who wait. It only adds.

The tables are those of procrastinate 3.10, as the package brings them; a test holds their digest, so
that whoever moves the package's version keeps a copy of these here.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import sqlalchemy as sa
from alembic import op

from interlock.core.errors import StoreUnavailable

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TODO = sa.text("status = 'todo'")

# What the package lacks. Its fetch asks for the other jobs of a lock, for which its own index has the
# columns the wrong way round: without statistics, each fetch was seen to read 2 000 jobs 2 000 times. It
# is to walk down the jobs in their order, whatever the planner believes to be in a table that is empty
# one minute and full the next. And a lock that is freed or a job that is handed back wakes nobody.
GLUE = """
DROP INDEX procrastinate_jobs_id_lock_idx_v1;
CREATE INDEX interlock_jobs_lock ON procrastinate_jobs (lock) WHERE lock IS NOT NULL;
CREATE INDEX interlock_jobs_lanes ON procrastinate_jobs (queue_name, priority DESC, id)
    WHERE status = 'todo';
CREATE INDEX interlock_jobs_doing ON procrastinate_jobs (id) WHERE status = 'doing';
ALTER FUNCTION procrastinate_fetch_job_v2 SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off;

-- What its fetch would take next of each queue, by the same rule: the head of each, as many as there is
-- room for. From one queue to the next by the index, however many jobs of each wait.
CREATE FUNCTION interlock_waiting(most integer)
RETURNS TABLE (queue varchar, priority integer, id bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_sort = off AS $$
WITH RECURSIVE lanes AS (
    (SELECT min(queue_name) AS queue FROM procrastinate_jobs WHERE status = 'todo')
    UNION ALL
    SELECT (SELECT min(queue_name) FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name > lanes.queue)
    FROM lanes WHERE lanes.queue IS NOT NULL
)
SELECT lanes.queue, free.priority, free.id FROM lanes CROSS JOIN LATERAL (
    SELECT mine.priority, mine.id FROM procrastinate_jobs AS mine
    WHERE mine.status = 'todo' AND mine.queue_name = lanes.queue
    AND (mine.scheduled_at IS NULL OR mine.scheduled_at <= now())
    AND (mine.lock IS NULL OR NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS other WHERE other.lock = mine.lock
        AND (other.status = 'doing' OR (other.status = 'todo' AND (
            other.priority > mine.priority
            OR (other.priority = mine.priority AND other.id < mine.id))))))
    ORDER BY mine.priority DESC, mine.id LIMIT most) AS free
WHERE lanes.queue IS NOT NULL;
$$;

CREATE FUNCTION interlock_wake_for_job() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    payload text := json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text;
BEGIN
    PERFORM pg_notify('procrastinate_queue_v1#' || OLD.queue_name, payload);
    PERFORM pg_notify('procrastinate_any_queue_v1', payload);
    RETURN NULL;
END;
$$;
CREATE FUNCTION interlock_wake_for_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = OLD.lock AND status = 'todo') THEN
        PERFORM pg_notify('procrastinate_any_queue_v1',
            json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
    END IF;
    RETURN NULL;
END;
$$;
CREATE FUNCTION interlock_wake_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('interlock_workers', '');
    RETURN NULL;
END;
$$;
CREATE FUNCTION interlock_wake_screens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('interlock_screens', '');
    RETURN NULL;
END;
$$;

CREATE TRIGGER interlock_job_handed_back AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status = 'todo')
    EXECUTE FUNCTION interlock_wake_for_job();
CREATE TRIGGER interlock_lock_freed AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status NOT IN ('todo', 'doing')
        AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION interlock_wake_for_lock();
CREATE TRIGGER interlock_lock_gone AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION interlock_wake_for_lock();
CREATE TRIGGER interlock_cancel_asked AFTER UPDATE OF cancel_requested_at ON runs
    FOR EACH ROW WHEN (OLD.cancel_requested_at IS DISTINCT FROM NEW.cancel_requested_at)
    EXECUTE FUNCTION interlock_wake_workers();
CREATE TRIGGER interlock_rule_moved AFTER INSERT OR UPDATE ON topics
    FOR EACH ROW WHEN (NEW.name IN ('breakers', 'holds'))
    EXECUTE FUNCTION interlock_wake_workers();
CREATE TRIGGER interlock_topic_moved AFTER INSERT OR UPDATE ON topics
    FOR EACH STATEMENT EXECUTE FUNCTION interlock_wake_screens();
"""

TAKE_BACK = """
DROP TRIGGER interlock_cancel_asked ON runs;
DROP TRIGGER interlock_rule_moved ON topics;
DROP TRIGGER interlock_topic_moved ON topics;
DROP TABLE procrastinate_periodic_defers, procrastinate_events, procrastinate_jobs,
    procrastinate_workers CASCADE;
DO $$
DECLARE
    made text;
BEGIN
    FOR made IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
        AND (proname LIKE 'procrastinate\\_%' OR proname LIKE 'interlock\\_wa%')
    LOOP
        EXECUTE 'DROP FUNCTION ' || made;
    END LOOP;
END;
$$;
DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
"""


def upgrade() -> None:
    op.add_column("jobs", sa.Column("dispatch_id", sa.BigInteger()))
    op.create_index(
        "ix_jobs_lanes",
        "jobs",
        ["workflow", sa.text("priority DESC"), "created_at", "job_id"],
        sqlite_where=TODO,
        postgresql_where=TODO,
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    if sa.inspect(op.get_bind()).has_table("procrastinate_jobs"):
        raise StoreUnavailable(
            "The database has another program's Procrastinate in it.",
            hint="Give Interlock a database, or a schema in the search path, of its own.",
        )
    op.create_index(
        "ix_jobs_undispatched",
        "jobs",
        ["job_id"],
        postgresql_where=sa.text("status = 'todo' AND dispatch_id IS NULL"),
    )
    _execute(resources.files("procrastinate").joinpath("sql", "schema.sql").read_text("utf-8"))
    _execute(GLUE)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _execute(TAKE_BACK)
        op.drop_index("ix_jobs_undispatched", "jobs")
    op.drop_index("ix_jobs_lanes", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("dispatch_id")


def _execute(script: str) -> None:
    """Run several statements, with colons and percent signs as they are."""
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute(script)
