"""Keys of what is kept: how much each of them encrypts, and encrypting all of it with the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from interlock.core.ciphers import KEYS, Cipher
from interlock.core.errors import InvalidInput
from interlock.core.model.people import Permission
from interlock.core.services.context import App
from interlock.core.services.permitting import command, require_house
from interlock.core.store import audit, checkpoint_sealing, engine, sealing
from interlock.core.store.checkpoint_sealing import ServerTables, Tables
from interlock.core.store.sealing import PLAIN, Batch, Place
from interlock.core.types import Json

MAX_PASSES = 5  # over what somebody else was writing when it was to be written
INLINE = "checkpoints"  # on Postgres: values in the rows themselves
STARTED, ENDED = "keys:rotate", "keys:rotated"

Say = Callable[[str, int], None]
Open = Callable[[], AbstractContextManager[Tables]]


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """How many values of each table are kept by key; `given` are the keys of this process, newest first."""

    given: tuple[str, ...]
    tables: Mapping[str, Counter[str]]

    @property
    def totals(self) -> Counter[str]:
        """How many values there are by key."""
        return sum(self.tables.values(), Counter())

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys that something is encrypted with and that are not given."""
        return tuple(sorted(set(self.totals) - set(self.given) - {PLAIN}))

    @property
    def idle(self) -> tuple[str, ...]:
        """Keys beside the newest that nothing is encrypted with: they may be taken out."""
        return tuple(key for key in self.given[1:] if not self.totals[key])


@dataclass
class Rotated:
    """What a rotation came to: values encrypted anew by table; those that could not be read by their key."""

    key: str
    changed: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    caches_dropped: int = 0

    def as_json(self) -> dict[str, Json]:
        """The form for scripts and for the audit."""
        return {
            "key": self.key,
            "changed": dict(sorted(self.changed.items())),
            "unread": dict(sorted(self.unread.items())),
            "caches_dropped": self.caches_dropped,
        }


def status(app: App) -> KeyStatus:
    """Count what is kept by key; it reads all of it."""
    with engine.read(app.engine) as conn:
        tables: dict[str, Counter[str]] = dict(sealing.count_keys(conn))
    if _has_checkpoints(app):
        with _opening(app) as opened, opened() as found:
            tables |= _count_checkpoints(found, is_file=app.settings.is_embedded)
    given = app.cipher.fingerprints if app.cipher else ()
    return KeyStatus(given=given, tables=tables)


def _count_checkpoints(found: Tables, *, is_file: bool) -> dict[str, Counter[str]]:
    parts = checkpoint_sealing.parts_of(is_file=is_file)
    if not all(checkpoint_sealing.are_there(found, kept, is_file=is_file) for kept in parts):
        return {}
    counted = {kept.table: checkpoint_sealing.count_keys(found, kept) for kept in parts}
    if not is_file:
        counted[INLINE] = Counter({PLAIN: checkpoint_sealing.count_inline(found)})
    return counted


def require_keys(app: App) -> None:
    """
    See that this process has the keys of what is kept; a look at the newest and the oldest.

    Raises:
        InvalidInput: It has not.
    """
    with engine.read(app.engine) as conn:
        needed = sealing.sample_keys(conn)
    given = app.cipher.fingerprints if app.cipher else ()
    if missing := sorted(needed - set(given)):
        raise InvalidInput(
            f"What is kept here is encrypted with the key {missing[0]}, which {KEYS} does not have.",
            hint="Give this process the keys that the others have; `interlock keys status` tells more.",
        )


@command(Permission.ADMINISTER)
def rotate(
    app: App, *, actor: str, reason: str = "", say: Say = lambda _name, _count: None
) -> Rotated:
    """
    Encrypt all that is kept with the newest key, what was kept plain, too; it may be begun again.

    Args:
        app: The parts.
        actor: Who does it.
        reason: Why.
        say: Told of each table and how many values of it are done.

    Returns:
        How many values; what could not be read stays as it is.

    Raises:
        InvalidInput: There are no keys.
    """
    require_house(app, "Keys")
    cipher = app.cipher
    if cipher is None:
        raise InvalidInput(
            "There are no keys to encrypt with.",
            hint=f"`interlock keys new` makes one for {KEYS}, which every process needs.",
        )
    done = Rotated(key=cipher.newest)
    _note(app, STARTED, actor=actor, reason=reason, after={"key": cipher.newest})
    for part in sealing.PARTS:

        def reseal(after: Place | None, part: sealing.Part = part) -> Batch:
            with engine.write(app.engine) as conn:
                return sealing.reseal(conn, part, cipher, after=after)

        _repeat(done, part.table.name, reseal, say)
    with engine.write(app.engine) as conn:
        done.caches_dropped = sealing.drop_caches(conn, cipher)
        sealing.forget_words(conn)
    if _has_checkpoints(app):
        _rotate_checkpoints(app, cipher, done, say)
    _note(app, ENDED, actor=actor, reason=reason, after=done.as_json())
    return done


def _rotate_checkpoints(app: App, cipher: Cipher, done: Rotated, say: Say) -> None:
    is_file = app.settings.is_embedded
    with _opening(app) as opened:
        with opened() as tables:
            if not _count_checkpoints(tables, is_file=is_file):
                return
        for kept in checkpoint_sealing.parts_of(is_file=is_file):

            def reseal(after: Place | None, kept: checkpoint_sealing.Kept = kept) -> Batch:
                with opened() as tables:
                    return checkpoint_sealing.reseal(tables, kept, cipher, after=after)

            _repeat(done, kept.table, reseal, say)
        if not is_file:

            def move(after: Place | None) -> Batch:
                with opened() as tables:
                    return checkpoint_sealing.move_inline(tables, cipher, after=after)

            _repeat(done, INLINE, move, say)


def _repeat(done: Rotated, name: str, reseal: Callable[[Place | None], Batch], say: Say) -> None:
    """Go through a table until nothing of it is left that could be encrypted anew."""
    unread: Counter[str] = Counter()
    for _ in range(MAX_PASSES):
        after, changed = None, 0
        unread = Counter()
        while True:
            batch = reseal(after)
            changed += batch.count
            unread += batch.unread
            done.changed[name] += batch.count
            say(name, done.changed[name])
            after = batch.last
            if after is None:
                break
        if not changed:
            break
    done.unread += unread
    if not done.changed[name]:
        del done.changed[name]


@contextmanager
def _opening(app: App) -> Iterator[Open]:
    """What opens a transaction in the database of the checkpoints."""
    if app.settings.is_embedded:
        with checkpoint_sealing.open_file(app.settings.checkpoints_path) as file:
            yield lambda: checkpoint_sealing.turn(file)
        return

    @contextmanager
    def turn() -> Iterator[Tables]:
        with engine.write(app.engine) as conn:
            yield ServerTables(conn)

    yield turn


def _has_checkpoints(app: App) -> bool:
    """Whether the checkpoints are ours: another application has not our keys."""
    settings = app.settings
    return settings.attach is None and (
        not settings.is_embedded or settings.checkpoints_path.is_file()
    )


def _note(app: App, action: str, *, actor: str, reason: str, after: dict[str, Json]) -> None:
    with engine.write(app.engine) as conn:
        audit.append(
            conn,
            at=app.clock.now(),
            actor=actor,
            action=action,
            object_=f"keys:{after['key']}",
            after=after,
            reason=reason,
        )
