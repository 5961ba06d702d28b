"""Keys of the guided tour and of the demonstration's page."""

from __future__ import annotations

from interlock.dashboard.keys.making import join


def tour_strip() -> str:
    """The tour in the frame of every page."""
    return "tour-strip"


def tour_act(act: str, place: str) -> str:
    """One of its buttons, `take`, `again`, `back`, `next` or `leave`, in the `strip` or on the `page`."""
    return join("tour", act, place)


def tour_step(step: str) -> str:
    """One step of the list."""
    return join("tour-step", step)


def tour_show(step: str) -> str:
    """The button that turns the tour to a step and leads there."""
    return join("tour-show", step)


def demo_rate() -> str:
    """How much new work comes."""
    return "demo-rate"


def demo_fault(service: str) -> str:
    """The switch by which a service fails."""
    return join("demo-fault", service)


def demo_service(service: str) -> str:
    """One service with its switch."""
    return join("demo-service", service)
