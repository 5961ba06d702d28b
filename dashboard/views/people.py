"""People as their page shows them: accounts, who is signed in, tokens; and who acts, at the foot of the menu."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from interlock.core.model.people import (
    WHAT,
    Operator,
    Permission,
    Person,
    Session,
    Token,
    is_over,
    permissions_of,
)
from interlock.dashboard.views.escaping import md_escape, show_hidden
from interlock.dashboard.views.formatting import NOTHING, format_ago, format_exact
from interlock.dashboard.views.notices import Notice

SOURCES: Final[Mapping[str, str]] = {
    "local": "password",
    "oidc": "provider",
    "proxy": "proxy",
}
ELSEWHERE = (
    "Role and groups come from where they sign in, and are changed there. Tenants are changed here."
)
_SPLIT = re.compile(r"[,\s]+")
# In this order: a browser names those that it descends from, too.
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def say_who(who: Person) -> str:
    """Who acts, at the foot of the menu; foreign words in it are escaped."""
    if who.is_trusted:
        return f"You act as {md_escape(who.name)}."
    groups = f", in {md_escape(', '.join(sorted(who.groups)))}" if who.groups else ""
    return f"Signed in as {md_escape(who.name)}, {who.role.value}{groups}."


def build_notice(sign_in: str) -> Notice | None:
    """What to know of signing in on this page."""
    if sign_in:
        return None
    return Notice(
        "info",
        "Nobody has to sign in here: whoever reaches this page may do everything. Make an admin below,"
        " then start Interlock with `INTERLOCK_SIGN_IN=local`; or let people sign in at a provider"
        " (`oidc`) or at a proxy (`proxy`).",
    )


def may_administer(who: Person) -> bool:
    """Whether somebody keeps the accounts of others."""
    return Permission.ADMINISTER in permissions_of(who)


def build_accounts(operators: Sequence[Operator], now: datetime) -> list[dict[str, str]]:
    """The accounts, those that are open first."""
    ordered = sorted(operators, key=lambda each: (not each.is_active, each.name))
    return [
        {
            "name": show_hidden(each.name),
            "role": each.role.value,
            "groups": ", ".join(each.groups) or NOTHING,
            "tenants": ", ".join(each.tenants) or "all",
            "signs in by": _say_source(each),
            "account": "open" if each.is_active else "closed",
            "last sign-in": format_ago(each.last_sign_in_at, now)
            if each.last_sign_in_at
            else "never",
        }
        for each in ordered
    ]


def build_sessions(
    sessions: Sequence[Session], now: datetime, *, own: str = ""
) -> list[dict[str, str]]:
    """Who is signed in, the newest first; `own` is the id of the session that looks."""
    return [
        {
            "who": show_hidden(each.operator),
            "browser": name_browser(each.agent),
            "from": show_hidden(each.address) or NOTHING,
            "since": format_ago(each.created_at, now),
            "last seen": "now, here" if each.session_id == own else format_ago(each.seen_at, now),
            "until": format_exact(each.expires_at),
        }
        for each in sessions
    ]


def build_tokens(tokens: Sequence[Token], now: datetime) -> list[dict[str, str]]:
    """The tokens, the newest first."""
    return [
        {
            "what for": show_hidden(each.label),
            "whose": show_hidden(each.operator),
            "may": ", ".join(scope.value for scope in each.scopes),
            "used": format_ago(each.used_at, now) if each.used_at else "never",
            "until": format_exact(each.expires_at),
            "state": say_state(each, now),
        }
        for each in tokens
    ]


def say_state(token: Token, now: datetime) -> str:
    """Whether a token is good."""
    if token.ended_at is not None:
        return "ended"
    is_good = not is_over(now, expires_at=token.expires_at, ended_at=None)
    return "good" if is_good else "run out"


def list_good(tokens: Sequence[Token], now: datetime) -> dict[str, str]:
    """Tokens that can be ended, by id, each as a choice calls it."""
    return {
        each.token_id: f"{show_hidden(each.label)} ({show_hidden(each.operator)}, …{each.token_id[-6:]})"
        for each in tokens
        if say_state(each, now) == "good"
    }


def list_sessions(sessions: Sequence[Session], *, own: str = "") -> dict[str, str]:
    """Sessions that can be ended, by id, each as a choice calls it."""
    return {
        each.session_id: f"{show_hidden(each.operator)}, {name_browser(each.agent)},"
        f" since {format_exact(each.created_at)}{' (this one)' if each.session_id == own else ''}"
        for each in sessions
    }


def list_scopes(who: Person) -> dict[Permission, str]:
    """What a token of theirs could do, each in words."""
    may = permissions_of(who)
    return {each: f"{each.value}: {WHAT[each]}" for each in Permission if each in may}


def split_words(text: str | None) -> list[str]:
    """Names of groups or tenants, as they were typed: with commas, blanks or lines between them."""
    return [word for word in _SPLIT.split(text or "") if word]


def name_browser(agent: str) -> str:
    """A browser and its system, as people call them; its beginning, where neither is known."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or show_hidden(agent[:40]) or NOTHING


def _say_source(operator: Operator) -> str:
    if operator.source == "local" and not operator.has_password:
        return "token alone"
    return SOURCES.get(operator.source, operator.source)
