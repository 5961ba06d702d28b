"""When runs of the past began, hour by hour, and what was down when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

DAYS = 7
SATURDAY = 5  # datetime.weekday
NIGHT, DAY, WEEKEND = 0.12, 1.0, 0.35  # of the traffic of an hour of a working day
OFFICE_HOURS = range(8, 18)  # UTC
CLOSE = timedelta(
    minutes=2
)  # before its end nothing begins any more, so that all of it ends in time
MARGIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A service that was down for a while."""

    service: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class Week:
    """The days before `end`, in which `count` runs begin."""

    end: datetime
    count: int
    outages: tuple[Outage, ...] = ()

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return self.end - timedelta(days=DAYS)

    def is_down(self, service: str, at: datetime) -> bool:
        """Whether a service does not answer at a moment."""
        return any(o.service == service and o.begin <= at < o.end for o in self.outages)

    def left_s(self, now: datetime) -> float:
        """Seconds until a little before its end, in which what waits for a person is decided."""
        return max(0.0, (self.end - now).total_seconds() - MARGIN_S)


def before(end: datetime, *, count: int) -> Week:
    """A week with two outages: the market's feed was down one afternoon, the payments one morning."""
    market = end - timedelta(days=2, hours=5)
    payments = end - timedelta(days=4, hours=2)
    return Week(
        end=end,
        count=count,
        outages=(
            Outage(service="market", begin=market, end=market + timedelta(minutes=40)),
            Outage(service="payments", begin=payments, end=payments + timedelta(minutes=25)),
        ),
    )


def draw_launches(week: Week, rng: random.Random) -> list[datetime]:
    """The moments at which runs begin, oldest first: more by day than by night."""
    hours = [week.begin + timedelta(hours=n) for n in range(DAYS * 24)]
    chosen = rng.choices(hours, [_traffic(hour) for hour in hours], k=week.count)
    moments = [hour + timedelta(seconds=rng.uniform(0, 3600)) for hour in chosen]
    return sorted(min(moment, week.end - CLOSE) for moment in moments)


def _traffic(hour: datetime) -> float:
    share = DAY if hour.hour in OFFICE_HOURS else NIGHT
    return share * WEEKEND if hour.weekday() >= SATURDAY else share
