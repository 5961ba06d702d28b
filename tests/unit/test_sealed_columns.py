"""Each column of JSON either is encrypted where there are keys, or is named here with why it need not be."""

from __future__ import annotations

from interlock.core.store.columns import SealedJson, is_json
from interlock.core.store.schema import metadata

OPEN = {
    "what a project's code says of itself": {
        *(f"workflows.{name}" for name in ("nodes", "graph", "channels", "tools", "policy")),
        *(f"workflows.{name}_schema" for name in ("input", "context", "state")),
        *("approvals.tools", "approvals.allowed", "approvals.on_timeout"),
        *("approvals.route", "runs.options", "checkpoints_index.next", "snapshots.next"),
        *("breakers.rules", "breakers.serves", "model_keys.quota"),
    },
    "counts and times": {
        *(f"{table}.{name}" for table in ("metric_rollups", "run_rollups") for name in ("histogram", "error_types")),
        "breakers.failures",
    },
    "names of people and of steps": {
        *("operators.groups", "operators.tenants", "tokens.scopes", "tours.seen"),
        *("demonstrations.faults", "notice_rules.about"),
    },
}  # fmt: skip


def test_a_new_column_of_json_is_encrypted_or_named_here() -> None:
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    plain = {
        f"{column.table.name}.{column.name}"
        for column in columns
        if is_json(column.type) and not isinstance(column.type, SealedJson)
    }
    assert plain == set().union(*OPEN.values())
