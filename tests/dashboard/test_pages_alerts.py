"""The alerts page, and the number of alerts in the menu."""

from __future__ import annotations

from interlock.core.model.alerts import AlertFigures, AlertStatus, BreakerReading
from interlock.core.services import alerting
from interlock.dashboard import keys


def open_breaker(app, *names):
    breakers = tuple(BreakerReading(name=name) for name in names)
    alerting.settle(app, AlertFigures(at=app.clock.now(), workers_alive=1, breakers=breakers))


def texts(page):
    return " ".join([e.value for e in [*page.markdown, *page.caption]])


def test_a_calm_page_says_so(open_page):
    page = open_page("alerts")
    assert not page.exception
    assert "Nothing is wrong" in texts(page)
    assert "No alert has ended yet." in texts(page)


def test_an_alert_is_acknowledged_with_a_note(app, open_page):
    open_breaker(app, "payments")
    (alert,) = alerting.list_alerts(app).open
    page = open_page("alerts")
    assert "1 asks for somebody" in texts(page)
    saves = {button.key for button in page.get("download_button")}
    assert saves == {keys.metrics_save("alerts", ending) for ending in ("csv", "json")}
    page.text_input(key=keys.alert_field(alert.alert_id, "note")).set_value("on it")
    page.button(key=keys.alert_act(alert.alert_id, "ack")).click().run()
    assert not page.exception
    (seen,) = alerting.list_alerts(app).open
    assert (seen.status, seen.note) == (AlertStatus.ACKNOWLEDGED, "on it")
    assert seen.acknowledged_by == app.settings.operator
    assert "looks after it" in texts(page)


def test_an_alert_that_ended_meanwhile_is_not_acknowledged(app, open_page):
    open_breaker(app, "payments")
    (alert,) = alerting.list_alerts(app).open
    page = open_page("alerts")
    open_breaker(app)
    page.button(key=keys.alert_act(alert.alert_id, "ack")).click().run()
    assert not page.exception
    assert "has ended already" in page.warning[0].value
    assert len(page.dataframe) == 2  # what was, and the rules


def test_an_alert_is_silenced_and_the_silence_ended(app, open_page):
    open_breaker(app, "payments")
    (alert,) = alerting.list_alerts(app).open
    page = open_page("alerts")
    page.selectbox(key=keys.alert_field(alert.alert_id, "for")).set_value("4 h")
    page.checkbox(key=keys.alert_field(alert.alert_id, "whole")).check()
    page.text_input(key=keys.alert_field(alert.alert_id, "reason")).set_value("release")
    page.button(key=keys.alert_act(alert.alert_id, "silence")).click().run()
    assert not page.exception
    (silence,) = alerting.list_alerts(app).silences
    assert (silence.object, silence.reason) == ("", "release")
    assert (silence.until - silence.created_at).total_seconds() == 4 * 3600
    assert alerting.count_calling(app) == 0
    page.button(key=keys.silence_end(silence.silence_id)).click().run()
    assert not page.exception
    assert alerting.count_calling(app) == 1


def test_a_name_in_an_alert_is_shown_letter_by_letter(app, open_page):
    open_breaker(app, "**bold** <b>x</b> [a](http://b)")
    said = texts(open_page("alerts"))
    assert "\\*\\*bold" in said
    assert "<b>" not in said.replace("\\<b\\>", "")
