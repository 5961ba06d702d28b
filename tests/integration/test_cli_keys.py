"""`interlock keys`, and what a worker does with keys, on a real database."""

from __future__ import annotations

import io
import json

import pytest

from interlock.core import ciphers, cli
from interlock.core.ciphers import Cipher
from interlock.core.errors import InvalidInput
from interlock.core.model.runs import Run, RunKind, RunOptions, RunStatus
from interlock.core.model.threads import Thread
from interlock.core.settings import Settings
from interlock.core.store import audit, columns, engine, runs, threads
from interlock.core.worker import main as worker

SECRET = "Ada-4711"


@pytest.fixture
def call(app, capsys, monkeypatch):
    def run(*args, keys=(), given=None):
        monkeypatch.setenv("INTERLOCK_ENCRYPTION_KEYS", " ".join(keys))
        if given is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(given))
        capsys.readouterr()
        code = cli.main([*args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


def add_entry(app):
    with engine.write(app.engine) as conn:
        audit.append(
            conn,
            at=app.clock.now(),
            actor="ann",
            action="x",
            object_="run:r1",
            after={"of": SECRET},
        )


def test_keys_are_made_and_printed_alone(call):
    code, out, _ = call("keys", "new")
    assert code == 0
    assert ciphers.is_key(out.strip())
    made = json.loads(call("keys", "new", "--json")[1])
    assert made["fingerprint"] == ciphers.fingerprint(made["key"])


def test_keys_are_rotated_and_counted(call, app):
    add_entry(app)
    code, _, err = call("keys", "rotate")
    assert (code, "`interlock keys new` makes one" in err) == (1, True)
    old, new = ciphers.make_key(), ciphers.make_key()
    code, out, err = call("keys", "status", keys=[old])
    assert code == 0
    assert "audit" in out
    assert "`interlock keys rotate`" in err
    code, out, _ = call("keys", "rotate", "--as", "ann", "--reason", "yearly", keys=[old])
    assert (code, f"The key is {ciphers.fingerprint(old)}." in out) == (0, True)
    told = json.loads(call("keys", "rotate", "--json", keys=[new, old])[1])
    assert told["changed"] == {"audit": 3}
    found = json.loads(call("keys", "status", "--json", keys=[new, old])[1])
    assert found["idle"] == [ciphers.fingerprint(old)]
    assert found["values"] == {ciphers.fingerprint(new): 5}
    code, out, err = call("keys", "status", keys=[new, old])
    assert "it may be taken out" in err
    code, out, _ = call("audit", "verify", keys=[new])
    assert code == 0
    assert SECRET in call("audit", "show", "1", "--json", keys=[new])[1]


def test_a_key_that_is_gone_is_told_by_every_command(call, app):
    add_entry(app)
    key = ciphers.make_key()
    call("keys", "rotate", keys=[key])
    other = ciphers.make_key()
    for args in (["audit", "list"], ["audit", "verify"], ["audit", "show", "1"]):
        code, _out, err = call(*args, keys=[other])
        assert (code, "Traceback" in err) == (1, False)
        assert f"is encrypted with the key {ciphers.fingerprint(key)}" in err
    code, _, err = call("keys", "status", keys=[other])
    assert (code, "what it encrypts cannot be read" in err) == (1, True)
    code, _, err = call("keys", "rotate", keys=[other])
    assert (code, "could not be read and stay as they are" in err) == (1, True)
    assert call("keys", "rotate", keys=[other, key])[0] == 0


def test_a_command_without_the_keys_writes_nothing(call, app):
    keep_run(app, key := ciphers.make_key())
    for keys in ((), (ciphers.make_key(),)):
        code, out, err = call("hold", keys=keys)
        assert (code, out) == (1, "")
        assert f"is encrypted with the key {ciphers.fingerprint(key)}, which" in err
        assert call("keys", "status", keys=keys)[0] == 1
    assert call("hold", keys=[key])[0] == 0
    with engine.read(app.engine) as conn:
        assert [entry.action for entry in audit.fetch_many(conn, limit=9)] == ["hold"]


def test_a_value_is_encrypted_for_the_environment(call):
    key = ciphers.make_key()
    code, out, _ = call("keys", "encrypt-value", "STRIPE_API_KEY", keys=[key], given="sk_live\n")
    name, _, sealed = out.strip().partition("=")
    assert (code, name) == (0, "STRIPE_API_KEY_ENCRYPTED")
    assert ciphers.unseal(Cipher([key]), sealed) == b"sk_live"
    told = json.loads(call("keys", "encrypt-value", "--json", keys=[key], given="x")[1])
    assert (told["variable"], ciphers.unseal(Cipher([key]), told["value"])) == (None, b"x")
    assert call("keys", "encrypt-value", keys=[key], given="")[0] == 2
    code, _, err = call("keys", "encrypt-value", given="x")
    assert (code, "There are no keys" in err) == (1, True)


def keep_run(app, key):
    """A run whose input is encrypted with a key."""
    now = app.clock.now()
    columns.use_cipher(app.engine, Cipher([key]))
    with engine.write(app.engine) as conn:
        thread = Thread(
            thread_id="t1",
            workflow="w",
            head_checkpoint_id=None,
            last_run_id=None,
            created_at=now,
            updated_at=now,
        )
        threads.insert(conn, thread)
        run = Run(
            run_id="r1",
            thread_id="t1",
            workflow="w",
            kind=RunKind.START,
            status=RunStatus.DONE,
            input={"of": SECRET},
            context=None,
            options=RunOptions(),
            priority=0,
            created_at=now,
            created_by="ann",
        )
        runs.insert(conn, run)


def test_a_worker_without_the_keys_is_not_started(app):
    keep_run(app, key := ciphers.make_key())
    with pytest.raises(InvalidInput, match=f"with the key {ciphers.fingerprint(key)}, which"):
        worker.main(Settings(data_dir=app.settings.data_dir))


def test_a_worker_is_not_started_with_a_variable_that_it_cannot_decrypt(app, monkeypatch):
    monkeypatch.setenv("LANGGRAPH_STRICT_MSGPACK", "true")  # put back as it was
    monkeypatch.setenv("INTERLOCK_ENCRYPTION_KEYS", ciphers.make_key())
    other = Cipher([ciphers.make_key()])
    monkeypatch.setenv("PAYMENTS_API_KEY_ENCRYPTED", other.seal(b"sk"))
    with pytest.raises(InvalidInput, match=f"PAYMENTS_API_KEY_ENCRYPTED .* {other.newest}"):
        worker.main(Settings(data_dir=app.settings.data_dir))
