"""The pages of signing in: whatever they are told, they draw it inert, and no script is in them."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from interlock.dashboard.views import sign_in
from interlock.dashboard.views.sign_in import Form, Page

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(page):
    return Tags(sign_in.build(page)).found


def test_foreign_words_stay_words():
    page = Page(
        title=EVIL,
        text=EVIL,
        problem=EVIL,
        code=EVIL,
        form=Form(token=EVIL, next=EVIL, name=EVIL),
        link=(EVIL, EVIL),
        leave=True,
    )
    found = tags(page)
    assert {name for name, _ in found}.isdisjoint({"script", "object", "iframe"})
    assert not any(key.startswith("on") for _, attributes in found for key in attributes)
    assert [a["src"] for name, a in found if name == "img"] == ["/app/static/mark.svg"]
    fields = [a for name, a in found if name == "input" and a["name"] != "password"]
    assert [a["value"] for a in fields] == [EVIL, EVIL, EVIL]


def test_every_field_of_the_form_has_a_label_and_is_known_to_password_managers():
    found = tags(Page(title="Sign in", form=Form(token="t", next="/")))
    fields = {a["id"]: a for name, a in found if name == "input" and a.get("type") != "hidden"}
    assert {a["for"] for name, a in found if name == "label"} == set(fields)
    assert [a["autocomplete"] for a in fields.values()] == ["username", "current-password"]
    assert ("form", {"method": "post", "action": "/sign-in"}) in found


def test_what_is_asked_for_next_has_the_focus():
    def focused(form):
        found = tags(Page(title="Sign in", form=form))
        return [a["name"] for _, a in found if "autofocus" in a]

    assert focused(Form(token="t", next="/")) == ["name"]
    assert focused(Form(token="t", next="/", name="ann")) == ["password"]


def test_a_page_holds_no_more_than_it_says():
    found = {name for name, _ in tags(Page(title="Sign in"))}
    assert found.isdisjoint({"form", "p", "pre", "a", "input", "button"})


def test_the_policy_lets_the_style_pass_and_nothing_else():
    html = sign_in.build(Page(title="Sign in"))
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = sign_in.content_security_policy()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in html
