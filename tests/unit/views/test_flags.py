from __future__ import annotations

from interlock.core.model.flags import Flag, FlagState
from interlock.dashboard.views import flags, holds
from interlock.dashboard.views.formatting import NOTHING


def test_what_is_off_says_who_and_why_and_what_is_on_says_nothing(make):
    off = FlagState(
        flag=Flag.LAUNCHES,
        is_on=False,
        changed_at=make.ago(minutes=4),
        changed_by="Ann",
        reason="we move",
    )
    view = flags.build([off, FlagState(flag=Flag.EXPORTS)], make.now)

    first, second = view.rows
    assert (first["flag"], first["is"], first["since"]) == ("Launches", flags.OFF, "4 min ago")
    assert (first["by"], first["reason"]) == ("Ann", "we move")
    assert second["is"] == flags.ON
    assert {second[name] for name in ("since", "by", "reason")} == {NOTHING}
    assert view.choices == {
        "launches on": "Launches: switch on",
        "exports off": "Exports: switch off",
    }
    assert flags.read_choice("exports off") == ("exports", False)
    assert flags.read_choice("time-machine on") == ("time-machine", True)


def test_what_is_off_is_told_beside_what_is_held(make):
    off = FlagState(flag=Flag.LAUNCHES, is_on=False, changed_by="Ann")

    assert holds.build([], [], make.now, [off]).off == ("Launches are off, by Ann.",)
