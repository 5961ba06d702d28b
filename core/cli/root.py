"""All commands in one tree; each lives in the module of its group."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import Any

import typer

from interlock.core.cli import (
    acting,
    alerts,
    audit,
    batches,
    breakers,
    caches,
    call,
    claiming,
    database,
    deciding_many,
    demo,
    doctor,
    extending,
    figures,
    flags,
    history,
    holds,
    keys,
    limits,
    notices,
    passes,
    people,
    pruning,
    reading,
    rewinding,
    serving,
    threads,
    what_ifs,
)

HELP = """Run LangGraph workflows, hold them for a human, hand the answer back exactly once.

--config, --data-dir, --database and --json stand before or after a command's name. Exit codes:
0 done, 1 failed or refused, 2 wrong usage, 3 somebody was first, 4 no such id, 5 not allowed.
"""
_STYLE: dict[str, Any] = {
    "add_completion": False,
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}


@cache
def command() -> Any:
    """The tree that parses the arguments; making it takes longer than most commands."""
    root = typer.Typer(name="interlock", help=HELP, **_STYLE)
    call.add_callback(root, version=version)
    register = call.register(root)
    register(serving.up)
    register(serving.web)
    register(serving.worker)
    root.add_typer(_database())
    root.add_typer(_demo())
    register(doctor.doctor)
    register(reading.workflows)
    register(acting.launch)
    register(batches.batch)
    register(reading.runs)
    register(reading.run)
    register(reading.step)
    register(acting.cancel)
    register(acting.retry)
    register(acting.ask)
    register(reading.inbox)
    register(acting.decide)
    register(deciding_many.decide_many)
    register(claiming.claim)
    register(claiming.unclaim)
    register(claiming.assign)
    register(claiming.forward)
    register(claiming.hands)
    register(extending.extend)
    for each in (holds.hold, holds.release, holds.holds, flags.flags, flags.flag):
        register(each)
    register(history.history)
    register(history.state)
    register(history.diff)
    register(rewinding.rewind)
    root.add_typer(_thread())
    root.add_typer(_what_if())
    register(pruning.prune)
    register(breakers.breakers)
    register(breakers.breaker)
    register(caches.caches)
    register(limits.limits)
    root.add_typer(_cache())
    register(figures.metrics)
    register(figures.rate)
    register(alerts.alerts)
    register(alerts.alert)
    register(notices.notices)
    root.add_typer(_audit())
    for group in (_keys(), _operator(), _token(), _session(), _sign_in()):
        root.add_typer(group)
    return typer.main.get_command(root)


def version() -> str:
    """The installed version."""
    return metadata.version("interlock-control-room")


def _database() -> typer.Typer:
    group = typer.Typer(name="db", help="Look after the database.", **_STYLE)
    call.add_callback(group)
    call.register(group, "upgrade")(database.upgrade)
    return group


def _demo() -> typer.Typer:
    group = typer.Typer(name="demo", help="Steer the demonstration of `up --demo`.", **_STYLE)
    call.add_callback(group)
    register = call.register(group)
    for each in (demo.play, demo.show, demo.rate, demo.fail, demo.mend):
        register(each)
    return group


def _thread() -> typer.Typer:
    group = typer.Typer(name="thread", help="Threads as a whole.", **_STYLE)
    call.add_callback(group)
    register = call.register(group, "list")
    register(threads.list_threads)
    call.register(group, "export")(threads.export_thread)
    call.register(group, "import")(threads.import_thread)
    call.register(group, "copy")(rewinding.copy)
    return group


def _what_if() -> typer.Typer:
    group = typer.Typer(name="what-if", help="Try two answers on copies.", **_STYLE)
    call.add_callback(group)
    call.register(group, "try")(what_ifs.try_)
    call.register(group)(what_ifs.show)
    call.register(group)(what_ifs.keep)
    call.register(group)(what_ifs.discard)
    return group


def _audit() -> typer.Typer:
    group = typer.Typer(name="audit", help="Who did what, and that it is as written.", **_STYLE)
    call.add_callback(group)
    call.register(group, "list")(audit.list_entries)
    for each in (audit.show, audit.verify, audit.export):
        call.register(group)(each)
    return group


def _cache() -> typer.Typer:
    group = typer.Typer(name="cache", help="Clear caches.", **_STYLE)
    call.add_callback(group)
    call.register(group, "clear")(caches.clear)
    return group


def _operator() -> typer.Typer:
    group = typer.Typer(name="operator", help="Accounts of people.", **_STYLE)
    call.add_callback(group)
    call.register(group, "list")(people.list_operators)
    for each in (people.add, people.change, people.close, people.password):
        call.register(group)(each)
    call.register(group, "open")(people.reopen)
    return group


def _token() -> typer.Typer:
    group = typer.Typer(name="token", help="Tokens of programs.", **_STYLE)
    call.add_callback(group)
    call.register(group, "list")(passes.list_tokens)
    call.register(group, "make")(passes.make_token)
    call.register(group, "end")(passes.end_token)
    return group


def _session() -> typer.Typer:
    group = typer.Typer(name="session", help="Who is signed in.", **_STYLE)
    call.add_callback(group)
    call.register(group, "list")(passes.list_sessions)
    call.register(group, "end")(passes.end_session)
    return group


def _sign_in() -> typer.Typer:
    group = typer.Typer(name="sign-in", help="Whether one has to sign in.", **_STYLE)
    call.add_callback(group)
    call.register(group, "show")(people.show_sign_in)
    call.register(group, "off")(people.end_sign_in)
    return group


def _keys() -> typer.Typer:
    group = typer.Typer(name="keys", help="The keys that encrypt what is kept.", **_STYLE)
    call.add_callback(group)
    for each in (keys.new, keys.status, keys.rotate):
        call.register(group)(each)
    call.register(group, "encrypt-value")(keys.encrypt_value)
    return group
