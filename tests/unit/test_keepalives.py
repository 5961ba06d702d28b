from __future__ import annotations

import psycopg

from interlock.core.keepalives import KEEPALIVES, keepalives_for


def test_a_silent_cut_is_found_within_half_a_minute():
    told = psycopg.conninfo.conninfo_to_dict(**keepalives_for("postgresql://host/db"))
    asked_s = told["keepalives_interval"] * told["keepalives_count"]
    assert told["keepalives_idle"] + asked_s <= 30
    assert told["tcp_user_timeout"] <= 30_000


def test_what_the_url_sets_itself_holds():
    url = "postgresql://host/db?keepalives_idle=60&keepalives=0"
    assert keepalives_for(url).keys() == KEEPALIVES.keys() - {"keepalives_idle", "keepalives"}
