from __future__ import annotations

import threading

import pytest

from interlock.core.cli import probing


class Looks:
    """Answers looks from a list, one at a time; after the list it waits to be closed."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.all_given = threading.Event()

    def __call__(self, _pid):
        if not self.answers:
            self.all_given.set()
            return None
        return self.answers.pop(0)


def probe_after(*answers, silent_s):
    looks = Looks(*answers)
    probe = probing.Probe(looks, silent_s=silent_s, interval_s=0.01)
    probe.watch(1)
    assert looks.all_given.wait(30)
    probe.close()
    return probe


def test_no_sign_of_life_after_one_is_silence():
    probe = probe_after(True, False, False, False, silent_s=0.02)
    assert probe.is_silent


def test_a_sign_of_life_ends_a_silence():
    assert not probe_after(True, False, False, False, True, silent_s=0.02).is_silent


def test_a_child_that_has_not_answered_yet_is_starting_not_silent():
    probe = probe_after(False, False, False, silent_s=0.001)
    assert not probe.is_silent
    assert not probe.has_answered


@pytest.mark.parametrize("count", [1, 5])
def test_what_cannot_be_told_is_held_against_nobody(count):
    probe = probe_after(True, *[None] * count, silent_s=0.001)
    assert probe.has_answered
    assert not probe.is_silent


def test_another_process_starts_afresh():
    probe = probe_after(True, False, False, False, silent_s=0.02)
    probe.watch(2)
    assert not probe.has_answered
    assert not probe.is_silent


def test_a_machine_that_slept_is_not_a_silent_child(monkeypatch):
    now = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(probing.time, "monotonic", lambda: float(next(now)))
    assert not probe_after(True, False, silent_s=20).is_silent


@pytest.mark.parametrize(
    ("host", "expected"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("", "127.0.0.1"), ("10.0.0.1", "10.0.0.1")],
)
def test_a_server_on_all_addresses_is_reached_on_loopback(host, expected):
    assert probing.local_host(host) == expected


def test_nobody_there_is_an_answer_not_an_error():
    status, reason = probing.fetch("127.0.0.1", 1, "/healthz", timeout_s=1)
    assert status == 0
    assert reason
