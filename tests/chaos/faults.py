"""What is done to the processes, the server and the cables: each fault as acts in time."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from crew import LINK, Crew
from fleet import Fleet
from stage import Database, Network

# Of a worker's dead-after: beyond it, so that others take over; and well below it.
LONG = 2.0
SHORT = 0.3

Act = tuple[float, Callable[[], object]]  # so long after the beginning


@dataclass(frozen=True)
class Scene:
    """All that a fault can be done to."""

    database: Database
    network: Network
    fleet: Fleet
    crew: Crew
    drawn: random.Random
    dead_after_s: float


@dataclass(frozen=True)
class Fault:
    """
    One kind of fault.

    `hits`: so many workers. `ends_work`: what they have in flight is taken over by others.
    """

    name: str
    says: str
    plan: Callable[[Scene, Sequence[str]], Iterator[Act]]
    hits: int = 0
    ends_work: bool = False


def _kill(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
    for slot in slots:
        yield 0.0, lambda slot=slot: scene.fleet.kill(slot)


def _stop_for(times: float) -> Callable[[Scene, Sequence[str]], Iterator[Act]]:
    def plan(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
        for slot in slots:
            life = scene.fleet.life(slot)
            yield 0.0, lambda slot=slot: scene.fleet.stop(slot)
            yield times * scene.dead_after_s, lambda life=life: scene.fleet.go_on(life)

    return plan


def _part_for(times: float) -> Callable[[Scene, Sequence[str]], Iterator[Act]]:
    def plan(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
        def part(slot: str) -> None:
            scene.fleet.lose_touch(slot)
            scene.network.order("stall", slot)

        for slot in slots:
            yield 0.0, lambda slot=slot: part(slot)
            yield times * scene.dead_after_s, lambda slot=slot: scene.network.order("heal", slot)

    return plan


def _leave(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
    for number, slot in enumerate(slots):
        yield number * 5.0, lambda slot=slot: scene.fleet.leave(slot)


def _restart(how: int, times: float = 0.0) -> Callable[[Scene, Sequence[str]], Iterator[Act]]:
    def plan(scene: Scene, _: Sequence[str]) -> Iterator[Act]:
        yield 0.0, lambda: scene.database.stop(how)
        yield times * scene.dead_after_s, scene.database.start

    return plan


def _restart_and_kill(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
    yield from _restart(signal.SIGQUIT, SHORT)(scene, slots)
    yield from _kill(scene, slots)


def _end_own_sessions(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
    def end(slot: str) -> None:
        scene.database.end_sessions(f"%{scene.fleet.worker_id(slot)}%")

    for slot in slots:
        for after_s in (0.0, 0.7, 1.5):
            yield after_s, lambda slot=slot: end(slot)


def _end_many_sessions(scene: Scene, _: Sequence[str]) -> Iterator[Act]:
    for after_s in (0.0, 0.4, 0.8, 1.2, 1.6, 2.0):
        yield after_s, lambda: scene.database.end_sessions(but_every=3)


def _kill_session(scene: Scene, _: Sequence[str]) -> Iterator[Act]:
    yield 0.0, lambda: scene.database.kill_session("interlock-worker-%")


def _cut(scene: Scene, slots: Sequence[str]) -> Iterator[Act]:
    for after_s in (0.0, 0.5, 1.0):
        for slot in slots:
            yield after_s, lambda slot=slot: scene.network.order("cut", slot)


def _cut_all(scene: Scene, _: Sequence[str]) -> Iterator[Act]:
    yield from _cut(scene, (*scene.fleet.slots, LINK))


def _kill_client(scene: Scene, _: Sequence[str]) -> Iterator[Act]:
    for after_s in (0.0, 1.0):
        yield after_s, lambda: scene.drawn.choice(scene.crew.clients).replace()


_EVERY = 99
_SERVER = (
    Fault("fast", "PostgreSQL is restarted (fast)", _restart(signal.SIGINT)),
    Fault("immediate", "PostgreSQL is restarted (immediate)", _restart(signal.SIGQUIT)),
    Fault("away", "PostgreSQL is away for long", _restart(signal.SIGQUIT, LONG)),
    Fault("restart-kill", "PostgreSQL is restarted, a worker killed", _restart_and_kill, 1, True),
    Fault("backend", "a process of PostgreSQL is killed (kill -9)", _kill_session),
)
_OTHERS = (
    Fault("kill", "a worker is killed (kill -9)", _kill, 1, True),
    Fault("kill-two", "two workers are killed at once", _kill, 2, True),
    Fault("stop", "a worker is stopped for long (SIGSTOP)", _stop_for(LONG), 1, True),
    Fault("pause", "a worker is stopped for a moment", _stop_for(SHORT), 1),
    Fault("leave", "a worker is told to leave (SIGTERM)", _leave, 1, True),
    Fault("deploy", "all workers are told to leave, in turn", _leave, _EVERY, True),
    Fault("sessions", "all sessions of a worker are ended, three times", _end_own_sessions, 1),
    Fault("half", "two of three sessions of all are ended, six times", _end_many_sessions),
    Fault("cut", "a worker's connections are cut, three times", _cut, 1),
    Fault("cut-all", "all connections are cut, three times", _cut_all),
    Fault("part", "a worker's network is silent for long", _part_for(LONG), 1, True),
    Fault("blip", "a worker's network is silent for a moment", _part_for(SHORT), 1),
    Fault("client", "a client is killed, twice", _kill_client),
)
NEED_SERVER = frozenset(fault.name for fault in _SERVER)  # one that is ours to stop
ALL = {fault.name: fault for fault in (*_OTHERS, *_SERVER)}


def draw_rounds(names: Sequence[str], count: int, drawn: random.Random) -> list[Fault]:
    """So many faults, each as often as the others, in an order of their own."""
    found: list[Fault] = []
    while len(found) < count:
        found += (ALL[name] for name in drawn.sample(names, len(names)))
    return found[:count]
