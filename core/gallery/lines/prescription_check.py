"""The local model's words at the prescription check."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.core.gallery.speech import Parts, Writer


def _counsel(parts: Parts) -> str:
    alerts = [line for line in parts.get("alerts", "").splitlines() if line.strip()]
    patient = parts.get("patient", "the patient")
    if not alerts:
        return f"Nothing was found for {patient}. There is nothing to do."
    names = ", ".join(dict.fromkeys(alert.partition(":")[0] for alert in alerts))
    what = "is one doubt" if len(alerts) == 1 else f"are {len(alerts)} doubts"
    return (
        f"There {what} about what {patient} is to get, and it is about {names}. "
        "Ask the doctor for a lower dose or another medicine, or note why it is right as it is."
    )


REPLIES: Mapping[str, Writer] = {"counsel": _counsel}
