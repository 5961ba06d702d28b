"""People and programs are told by real receivers: those that work, fail, hang, lead elsewhere, and come back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import text

from interlock.core import cli
from interlock.core.clock import SystemClock
from interlock.core.model.approvals import Approval, ApprovalStatus, Kind, Verb
from interlock.core.model.notice_rules import NoticeRule, Webhook
from interlock.core.model.notices import NoticeStatus
from interlock.core.model.policies import Policies
from interlock.core.model.threads import Thread
from interlock.core.model.workers import Worker, WorkerStatus
from interlock.core.policy import read_policies
from interlock.core.services import presence
from interlock.core.services.notice_sending import Courier
from interlock.core.services.notice_targets import find_targets
from interlock.core.services.noticing import Collector
from interlock.core.services.notifying import hide, send
from interlock.core.store import approvals, audit, notices, threads
from interlock.core.store.engine import read, write

# Apprise imports what Python is about to drop, to keep what needs it going.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

KEY = b"0123456789abcdef01234567"
HELD = {"SECRET": "whsec_" + base64.b64encode(KEY).decode()}


class Receiver:
    """Keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.hangs = False
        self.let_go = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.heard.append((self.path, headers, body))
                if receiver.hangs:
                    receiver.let_go.wait(20)
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def titles(self) -> list[str]:
        return [json.loads(body)["title"] for _, _, body in self.heard]

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def ledger(receiver, **given) -> Webhook:
    values = {
        "name": "ledger",
        "url": f"http://{receiver.place}/in/path-secret",
        "secret": "${SECRET}",
        "events": ("card.asked",),
        "retry_s": 1e-6,
    }
    return Webhook(**values | given)


def team(receiver, **given) -> NoticeRule:
    values = {"name": "team", "to": (f"json://{receiver.place}/path-secret",), "retry_s": 1e-6}
    return NoticeRule(**values | given)


class Office:
    """What a worker's thread does, a step at a time."""

    def __init__(self, app, *rules, **given) -> None:
        self.app = app
        hooks = tuple(rule for rule in rules if isinstance(rule, Webhook))
        people = tuple(rule for rule in rules if isinstance(rule, NoticeRule))
        targets = find_targets(Policies(notices=people, webhooks=hooks), HELD)
        self.collector, self.courier = Collector(app, targets), Courier(app, targets, **given)
        self.collector.begin()

    def ask(self, *ids: str) -> None:
        now = self.app.clock.now()
        with write(self.app.engine) as conn:
            for approval_id in ids:
                name = f"t-{approval_id}"
                threads.insert(
                    conn,
                    Thread(
                        thread_id=name,
                        workflow="refunds",
                        head_checkpoint_id=None,
                        last_run_id=None,
                        created_at=now,
                        updated_at=now,
                    ),
                )
                card = Approval(
                    approval_id=approval_id,
                    interrupt_id="i1",
                    thread_id=name,
                    run_id="r1",
                    workflow="refunds",
                    node="review",
                    namespace="",
                    checkpoint_id="c1",
                    kind=Kind.VALUE,
                    title="Refund 700 to Zoë?",
                    payload={"amount": 700},
                    allowed=(Verb.APPROVE,),
                    schema=None,
                    risk="high",
                    status=ApprovalStatus.PENDING,
                    version=1,
                    asked_at=now,
                )
                approvals.insert(conn, card, approval_id)
        self.collector.look()

    def send(self) -> None:
        """Send what is due, and wait for what came of it."""
        self.app.clock.advance(seconds=20_000)
        self.courier.work()
        self.courier.wait(10)

    def kept(self):
        with read(self.app.engine) as conn:
            found = notices.fetch_many(conn, limit=100)
        return [(n.status.value, n.tries, n.last_error) for n in found]


def verify(headers, body) -> bool:
    """As the docs tell a receiver to."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers["webhook-signature"].split()
    return any(hmac.compare_digest(f"v1,{expected}", each) for each in given)


def test_a_program_that_fails_first_gets_the_same_message_signed_anew(app, receiver, caplog):
    office = Office(app, ledger(receiver))
    office.ask("a1")
    receiver.status = 500
    office.send()
    assert office.kept() == [("waiting", 1, "It answered 500.")]
    receiver.status = 200
    office.send()
    office.send()
    assert office.kept() == [("sent", 2, "")]
    (_, first, body), (path, second, again) = receiver.heard
    assert (path, body) == ("/in/path-secret", again)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(first["webhook-timestamp"]) < int(second["webhook-timestamp"])
    assert verify(first, body)
    assert verify(second, again)
    assert not verify(second, again + b" ")
    document = json.loads(body)
    assert (document["type"], document["data"]["approval_id"]) == ("card.asked", "a1")
    assert "700" not in body.decode()
    assert "path-secret" not in str([vars(record) for record in caplog.records])


def test_people_are_told_with_a_link_and_without_what_the_card_is_about(app, receiver):
    app = type(app)(
        app.settings.model_copy(update={"public_url": "https://control.example.com"}),
        app.engine,
        app.queue,
        app.clock,
    )
    office = Office(app, team(receiver))
    office.ask("a1")
    receiver.status = 503
    office.send()
    [(status, tries, error)] = office.kept()
    assert (status, tries) == ("waiting", 1)
    assert "503" in error
    assert "path-secret" not in error
    assert "127.0.0.1" not in error
    receiver.status = 200
    office.send()
    assert office.kept() == [("sent", 2, "")]
    message = json.loads(receiver.heard[-1][2])
    assert message["title"] == "A decision is needed: refunds, review (high risk)"
    assert message["message"].endswith("https://control.example.com/inbox?approval_id=a1")
    assert "700" not in str(message)


def test_no_redirect_is_followed_by_either(app, receiver, other):
    receiver.status = 307
    receiver.headers = {"Location": f"http://{other.place}/stolen"}
    office = Office(app, ledger(receiver), team(receiver))
    office.ask("a1")
    office.send()
    errors = sorted(error for _, _, error in office.kept())
    assert errors[1] == "It answered 307, a redirect, and none is followed."
    assert "307" in errors[0]
    assert other.heard == []


def test_a_receiver_that_hangs_holds_up_nobody_else(app, receiver, other):
    receiver.hangs = True
    hanging = ledger(receiver, timeout_s=0.2)
    office = Office(app, hanging, ledger(other, name="second"))
    office.ask("a1")
    office.send()
    assert sorted(office.kept()) == [("sent", 1, ""), ("waiting", 1, "No answer within 0.2 s.")]
    assert len(other.heard) == 1


def test_a_receiver_that_answers_a_byte_at_a_time_is_left_behind(app, wait_until):
    """Each byte is in time, so that only the limit of the whole try ends it."""
    listening = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def trickle() -> None:
        conn, _ = listening.accept()
        conn.recv(100_000)
        while not is_over.wait(0.02):
            conn.sendall(b"H")
        conn.close()

    thread = threading.Thread(target=trickle)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    office = Office(
        app, Webhook(name="slow", url=url, secret="${SECRET}", events=("card.asked",)), try_s=0.1
    )
    office.ask("a1", "a2")
    app.clock.advance(seconds=1)
    office.courier.work()
    wait_until(lambda: office.courier.work() == 0 and office.kept()[0][1] + office.kept()[1][1])
    assert sorted(office.kept()) == [
        ("waiting", 0, ""),
        ("waiting", 1, "The try did not end within 0.1 s."),
    ]
    is_over.set()
    thread.join()
    listening.close()


def test_it_is_given_up_after_the_last_try_or_when_it_is_unwanted_and_said(app, receiver, caplog):
    office = Office(app, ledger(receiver, tries=2))
    receiver.status = 500
    office.ask("a1")
    office.send()
    office.send()
    office.send()
    assert office.kept() == [("given_up", 2, "It answered 500.")]
    assert len(receiver.heard) == 2
    assert "notice_given_up" in caplog.messages
    receiver.status = 410
    office.ask("a2")
    office.send()
    assert office.kept()[0] == ("given_up", 1, "It answered 410: it wants no more messages.")


def test_a_receiver_may_ask_to_be_left_alone(app, receiver):
    office = Office(app, ledger(receiver))
    receiver.status, receiver.headers = 429, {"Retry-After": "600"}
    office.ask("a1")
    office.send()
    with read(app.engine) as conn:
        (notice,) = notices.fetch_many(conn, limit=1)
    assert (notice.next_at - app.clock.now()).total_seconds() == 600
    receiver.headers = {"Retry-After": "Mon, 01 Jan 2035 00:00:00 GMT"}
    office.send()
    receiver.headers = {"Retry-After": "soon"}
    office.send()
    assert office.kept() == [("waiting", 3, "It answered 429.")]


def test_what_cannot_be_reached_is_told_without_its_address(app):
    hook = Webhook(
        name="gone", url="http://127.0.0.1:1/x", secret="${SECRET}", events=("card.asked",)
    )
    office = Office(app, hook)
    office.ask("a1")
    office.send()
    [(_, _, error)] = office.kept()
    assert error == "Not reached: Connection refused."
    assert hide("no host hooks.example.com for t0ken", "slack://t0ken@hooks.example.com") == (
        "no host *** for ***"
    )
    assert send("nonsense://x", title="", text="") == "Apprise does not know such an address."


def test_whoever_is_down_is_tried_once_and_the_others_keep_their_turn(app, receiver):
    office = Office(app, ledger(receiver))
    receiver.status = 500
    office.ask("a1", "a2", "a3")
    office.send()
    assert sorted(tries for _, tries, _ in office.kept()) == [0, 0, 1]
    receiver.status = 200
    office.send()
    assert [status for status, _, _ in office.kept()] == ["sent"] * 3


def test_many_at_once_are_one_message_and_what_is_decided_is_none(app, receiver):
    office = Office(app, team(receiver))
    office.ask("a1", "a2", "a3", "a4", "a5")
    with write(app.engine) as conn:
        approvals.close(conn, "a5", version=1, status=ApprovalStatus.DECIDED, now=app.clock.now())
    office.send()
    assert receiver.titles == ["4 messages from Interlock"]
    assert sorted(status for status, _, _ in office.kept()) == ["needless"] + ["sent"] * 4


def test_an_address_that_is_wrong_is_given_up_with_its_reason(app):
    hook = Webhook(
        name="bad",
        url="http://hooks.example.com",
        secret="${SECRET}",
        events=("card.asked",),
        tries=1,
    )
    office = Office(app, hook)
    office.ask("a1")
    office.send()
    [(status, _, error)] = office.kept()
    assert status == "given_up"
    assert error.startswith("it is http:// and leads beyond this machine")


def test_what_no_worker_knows_an_address_for_is_given_up_after_a_day(app, receiver):
    Office(app, ledger(receiver)).ask("a1")
    nobody = Courier(app, ())
    nobody.settle_rest()
    assert nobody.work() == 0
    app.clock.advance(seconds=2 * 86_400)
    nobody.settle_rest()
    with read(app.engine) as conn:
        (notice,) = notices.fetch_many(conn, limit=10)
    assert (notice.status, "no longer" in notice.last_error) == (NoticeStatus.GIVEN_UP, True)
    app.clock.advance(seconds=20 * 86_400)
    nobody.settle_rest()
    with read(app.engine) as conn:
        assert notices.fetch_many(conn, limit=10) == []


def test_what_a_worker_knows_or_somebody_sends_is_not_given_up(app, receiver):
    office = Office(app, ledger(receiver))
    office.ask("a1")
    app.clock.advance(seconds=2 * 86_400)  # no worker all the while
    office.courier.settle_rest()
    assert [status for status, *_ in office.kept()] == ["waiting"]
    now, place = app.clock.now(), ("webhook", "ledger", 0)
    until = now + timedelta(seconds=90)
    with write(app.engine) as conn:
        (mine,) = notices.claim_due(conn, place, now=now, until=until, limit=10)
    Courier(app, ()).settle_rest()
    with write(app.engine) as conn:
        assert notices.settle(conn, mine, {"status": NoticeStatus.SENT}, until=until)


def test_a_url_that_names_no_host_fails_like_another(app, receiver):
    hook = ledger(receiver, url="https://ledger..example/in", tries=1)
    office = Office(app, hook)
    office.ask("a1")
    office.send()
    [(status, _, error)] = office.kept()
    assert (status, error.startswith("Not reached: Unicode")) == ("given_up", True)


def make_worker(app) -> Worker:
    now = app.clock.now()
    return Worker(
        worker_id="w1",
        host="here",
        pid=1,
        status=WorkerStatus.READY,
        concurrency=1,
        project="",
        started_at=now,
        heartbeat_at=now,
    )


@pytest.fixture
def call(app, capsys):
    def run(*args):
        capsys.readouterr()
        code = cli.main(["notices", *args, "--data-dir", str(app.settings.data_dir)])
        return code, *capsys.readouterr()

    return run


def test_the_command_line_lists_tests_and_tries_again(app, receiver, call):
    code, _, err = call()
    assert (code, "nobody is told of anything" in err) == (0, True)
    app = replace(app, clock=SystemClock())
    office = Office(app, ledger(receiver, tries=1), ledger(receiver, name="bad", secret="${NONE}"))
    code, _, err = call("test", "ledger")
    assert (code, "No worker is running" in err) == (1, True)
    presence.beat(app, make_worker(app))
    code, _, err = call("test", "nobody")
    assert (code, "nobody" in err) == (4, True)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.05):
            office.courier.work()

    thread = threading.Thread(target=work)
    thread.start()
    receiver.status = 500
    code, out, _ = call("test", "ledger", "--as", "ann", "--json")
    (failed,) = json.loads(out)
    assert (code, failed["status"], failed["last_error"]) == (1, "given_up", "It answered 500.")
    receiver.status = 200
    code, out, _ = call("retry", failed["notice_id"], "--json")
    assert (code, json.loads(out)[0]["status"]) == (0, "waiting")
    code, out, _ = call("test", "ledger")
    assert (code, "sent" in out) == (0, True)
    is_over.set()
    thread.join()
    office.courier.wait(10)
    code, out, _ = call("--json")
    listed = json.loads(out)
    assert listed["counts"] == {"waiting": 0, "sent": 2, "needless": 0, "given_up": 0}
    assert [rule["to"] for rule in listed["rules"]] == [["?"], [f"http://{receiver.place}/…"]]
    assert {n["event"] for n in listed["notices"]} == {"test"}
    assert "Nothing was told yet." in call("--status", "given_up")[2]
    code, _, err = call("retry", failed["notice_id"])
    assert (code, "was not given up" in err) == (3, True)
    assert call("retry", "none")[0] == 4
    assert call("retry")[0] == 2
    with read(app.engine) as conn:
        actions = {(e.action, e.actor) for e in audit.fetch_many(conn, limit=10)}
    assert {("test notices", "ann"), ("try notice again", "local operator")} <= actions
    assert json.loads(receiver.heard[0][2])["data"]["actor"] == "ann"


def test_a_worker_killed_between_two_tries_loses_nothing(desk, receiver, tmp_path, wait_until):
    project = tmp_path / "told"
    shutil.copytree(desk.config.parent, project)
    graphs = {"graphs": {"one": "./asking.py:one"}, "dependencies": ["."]}
    (project / "langgraph.json").write_text(json.dumps(graphs))
    (project / "interlock.toml").write_text(
        f'[[notices.rule]]\nname = "team"\nto = ["json://{receiver.place}/x"]\nretry_s = 0.1\n'
    )
    desk.config = project / "langgraph.json"
    receiver.status = 500
    worker = desk.spawn()
    desk.wait(desk.launch("one", desk.open_book()))

    def kept():
        with read(desk.app.engine) as conn:
            return [(n.status.value, n.tries > 0) for n in notices.fetch_many(conn, limit=10)]

    wait_until(lambda: kept() == [("waiting", True)], "a try that failed")
    worker.kill()
    receiver.status = 200
    receiver.heard.clear()
    targets = find_targets(read_policies(project, ["one"]))
    collector, courier = Collector(desk.app, targets), Courier(desk.app, targets)

    def is_sent():
        collector.look()
        courier.work()
        return kept() == [("sent", True)]

    # It may have been killed within a try: then what it claimed is left alone for as long as one may last.
    with write(desk.app.engine) as conn:
        conn.execute(text("UPDATE notices SET claimed_until = NULL"))
    wait_until(is_sent, "the try that arrives")
    assert receiver.titles == ["A decision is needed: one, ask"]
