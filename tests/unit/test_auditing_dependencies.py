"""`scripts/audit.py` against a server that answers as OSV's documentation has it."""

from __future__ import annotations

import json
import runpy
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

# A script, and in no package.
audit = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "audit.py")))

LOCK = "good==1.0 \\\n    --hash=sha256:0\nleaky-part==2.1 ; sys_platform == 'x' \\\n    --hash=sha256:0\n"
ADVISORY = {
    "id": "GHSA-1",
    "aliases": ["CVE-1"],
    "summary": "Reads what it should not",
    "affected": [
        {
            "package": {"name": "Leaky_Part", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.2"}]}],
        }
    ],
}


@pytest.fixture
def osv():
    """The server; `asked` is what it was asked, `advisory` what it tells of leaky-part 2.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found = [(q["package"]["name"], q["version"]) for q in body["queries"]]
            server.asked.append(found)
            results = [{"vulns": [{"id": "GHSA-1"}]} if n == "leaky-part" else {} for n, _ in found]
            self._answer({"results": results})

        def do_GET(self):
            self._answer(server.advisory)

        def _answer(self, document):
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.advisory, server.status = [], ADVISORY, 200
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(osv, tmp_path):
    (tmp_path / "lock").write_text(LOCK)
    (tmp_path / "exceptions").write_text("# none\n")

    def call():
        return audit.main(
            url=f"http://127.0.0.1:{osv.server_port}",
            lock=tmp_path / "lock",
            exceptions=tmp_path / "exceptions",
            stamp=tmp_path / "build" / "audit.json",
        )

    return call


def test_a_known_hole_fails_and_says_what_mends_it(run, osv, capsys):
    assert run() == 1
    told = capsys.readouterr().out
    assert told == ("leaky-part 2.1: GHSA-1 CVE-1: Reads what it should not (mended in 2.2)\n")
    assert osv.asked == [[("good", "1.0"), ("leaky-part", "2.1")]]


def test_what_was_withdrawn_is_no_hole_and_the_same_lock_is_asked_about_once_a_day(
    run, osv, capsys
):
    osv.advisory = ADVISORY | {"withdrawn": "2026-01-01T00:00:00Z"}
    assert (run(), run()) == (0, 0)
    assert len(osv.asked) == 1
    assert capsys.readouterr().out.startswith("ok (2 packages, asked now)\nok (2 packages, asked 2")


@pytest.mark.parametrize(("until", "code"), [("2999-01-01", 0), ("2020-01-01", 1)])
def test_an_exception_holds_until_its_day(run, tmp_path, until, code):
    (tmp_path / "exceptions").write_text(f"CVE-1 until {until}: only reached by an unused option\n")
    assert run() == code


def test_without_a_network_it_says_so_and_fails_only_where_it_must(run, osv, capsys, monkeypatch):
    osv.status = 503
    assert run() == 0
    assert "NOT DONE: nothing was looked at" in capsys.readouterr().out
    monkeypatch.setenv("AUDIT", "must")
    assert run() == 1


def test_the_exceptions_that_are_kept_can_be_read():
    today = audit.datetime.now(audit.UTC).date()
    assert isinstance(audit.read_exceptions(audit.EXCEPTIONS, today), set)
    assert len(audit.read_lock(audit.LOCK)) > 100
