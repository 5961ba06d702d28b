from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from interlock.core.demo import weeks

END = datetime(2026, 1, 9, 16, tzinfo=UTC)  # a Friday afternoon


def test_all_of_a_week_begins_within_it_in_order():
    week = weeks.before(END, count=500)
    moments = weeks.draw_launches(week, random.Random(1))
    assert len(moments) == 500
    assert sorted(moments) == moments
    assert week.begin <= moments[0]
    assert moments[-1] <= END - weeks.CLOSE


def test_the_same_seed_draws_the_same_week():
    week = weeks.before(END, count=50)
    first = weeks.draw_launches(week, random.Random(1))
    assert first == weeks.draw_launches(week, random.Random(1))
    assert first != weeks.draw_launches(week, random.Random(2))


def test_more_begins_on_a_working_day_than_by_night_or_at_the_weekend():
    moments = weeks.draw_launches(weeks.before(END, count=3000), random.Random(1))
    by_day = [m for m in moments if m.hour in weeks.OFFICE_HOURS]
    saturday = [m for m in moments if m.weekday() == weeks.SATURDAY]
    monday = [m for m in moments if m.weekday() == 0]
    assert len(by_day) > 0.7 * len(moments)
    assert len(saturday) < 0.6 * len(monday)


def test_a_service_is_down_while_its_outage_lasts_and_no_other_is():
    week = weeks.before(END, count=1)
    outage = week.outages[0]
    assert week.is_down(outage.service, outage.begin)
    assert not week.is_down(outage.service, outage.end)
    assert not week.is_down("mail", outage.begin)
    assert all(week.begin < o.begin < o.end < END for o in week.outages)


def test_what_waits_is_decided_before_the_week_ends():
    week = weeks.before(END, count=1)
    assert week.left_s(END - timedelta(seconds=60)) == 60 - weeks.MARGIN_S
    assert week.left_s(END) == 0
