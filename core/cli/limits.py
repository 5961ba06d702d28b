"""What stands between workflows and the models they call."""

from __future__ import annotations

from interlock.core.cli import printing
from interlock.core.cli.call import Call
from interlock.core.model.key_ring import KeyState, say_quota
from interlock.core.services import limiting
from interlock.core.types import Json


def limits(call: Call) -> None:
    """Show the calls to bounded models that are under way, and what is left of each key."""
    app = call.open()
    calls, keys = limiting.count_calls(app), limiting.list_keys(app)
    now = app.clock.now()
    if call.as_json:
        under_way: list[Json] = [{"model": name, "in_flight": n} for name, n in calls.items()]
        printing.print_json({"models": under_way, "keys": [_document(key) for key in keys]})
        return
    printing.print_table(
        ["model", "under way"],
        list(calls.items()),
        empty="No call to a bounded model is under way.",
        whole=["model"],
    )
    printing.print_table(
        ["model", "key", "rests until", "left", "seen"],
        [
            (
                key.model,
                key.variable,
                key.blocked_until if key.blocked_until and key.blocked_until > now else "",
                say_quota(key.quota),
                key.seen_at,
            )
            for key in keys
        ],
        empty="No model uses keys in turn; `keys` in interlock.toml names them.",
        whole=["model", "key"],
    )


def _document(key: KeyState) -> dict[str, Json]:
    return {
        "model": key.model,
        "variable": key.variable,
        "rests_until": key.blocked_until and key.blocked_until.isoformat(),
        "quota": dict(key.quota),
        "seen_at": key.seen_at.isoformat(),
    }
