from __future__ import annotations

import json

import pytest

from interlock.core.gallery import bank, faults, mailbox


@pytest.fixture
def fault_file(tmp_path, monkeypatch):
    file = tmp_path / "faults.json"
    monkeypatch.setenv(faults.VARIABLE, str(file))
    return file


def test_without_the_variable_nothing_is_down(monkeypatch):
    monkeypatch.delenv(faults.VARIABLE, raising=False)

    assert faults.down() == frozenset()


def test_a_missing_file_means_no_faults(fault_file):
    assert not fault_file.exists()
    assert faults.down() == frozenset()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"payments"', '{"payments": "no"}', "\xff"]
)
def test_a_file_that_says_nothing_clear_means_no_faults(fault_file, text):
    fault_file.write_bytes(text.encode("latin-1"))

    assert faults.down() == frozenset()


def test_only_what_is_true_is_down(fault_file):
    fault_file.write_text(json.dumps({"payments": True, "market": False, "mail": 0}))

    assert faults.down() == {"payments"}
    faults.check("market")
    with pytest.raises(faults.ServiceDown, match="'payments' does not answer"):
        faults.check("payments")


def test_a_change_of_the_file_is_seen_at_the_next_call(fault_file):
    seen = []
    for down in ({"mail": True}, {}, {"mail": True, "market": True}):
        fault_file.write_text(json.dumps(down))
        seen.append(faults.down())
    fault_file.unlink()

    assert [*seen, faults.down()] == [{"mail"}, set(), {"mail", "market"}, set()]


def test_a_service_that_is_down_is_an_error_worth_another_try():
    assert issubclass(faults.ServiceDown, ConnectionError)


@pytest.mark.parametrize("service", faults.SERVICES)
def test_every_service_can_be_let_fail(fault_file, service):
    fault_file.write_text(json.dumps({service: True}))

    with pytest.raises(faults.ServiceDown):
        faults.check(service)


def test_the_bank_fails_with_the_payments(fault_file):
    fault_file.write_text('{"payments": true}')

    with pytest.raises(faults.ServiceDown):
        bank.pay(key="t-1:991", amount=620.0)


def test_the_mail_server_fails_and_the_address_book_does_not(fault_file):
    fault_file.write_text('{"mail": true}')

    assert len(mailbox.find("Linz")) == 1
    with pytest.raises(faults.ServiceDown):
        mailbox.send(key="t-1", to="emil@stark.example")
