"""What people fill in at the prescription check: the prescription, and the pharmacist's decision."""

from __future__ import annotations

from pydantic import BaseModel, Field, create_model
from pydantic.config import ConfigDict, JsonDict

from interlock.core.gallery.formulary import Name
from interlock.core.gallery.prescription_state import Medicine

DEFAULT = [Medicine("ibuprofen", 600, 3), Medicine("paracetamol", 500, 3)]

EXAMPLES: list[JsonDict] = [
    {"patient": "Rosa Berger", "age": 67},
    {
        "patient": "Tim Adler",
        "age": 34,
        "allergies": [],
        "takes": [],
        "medicines": [{"name": "paracetamol", "dose_mg": 500, "times_a_day": 4}],
    },
    {
        "patient": "Olga Lenz",
        "age": 58,
        "allergies": ["penicillin"],
        "takes": ["simvastatin"],
        "medicines": [
            {"name": "amoxicillin", "dose_mg": 1000, "times_a_day": 3},
            {"name": "clarithromycin", "dose_mg": 500, "times_a_day": 3},
        ],
    },
]


class Prescription(BaseModel):
    """What a doctor prescribed, and what is known about the patient."""

    model_config = ConfigDict(json_schema_extra={"examples": list(EXAMPLES)})

    patient: str = Field(default="Rosa Berger", min_length=1, max_length=80, description="Who.")
    age: int = Field(default=67, ge=0, le=120, description="Years.")
    allergies: list[str] = Field(
        default=["penicillin"], max_length=10, description="To what, a line each."
    )
    takes: list[Name] = Field(
        default=["warfarin"], max_length=10, description="What the patient takes already."
    )
    medicines: list[Medicine] = Field(
        default=DEFAULT, min_length=1, max_length=10, description="What is prescribed."
    )


class Decision(BaseModel):
    """Whether the medicines are handed out, and which."""

    approved: bool = Field(description="Hand them out?")
    medicines: list[Medicine] = Field(
        min_length=1, max_length=10, description="Change a line, and it is checked again."
    )
    note: str = Field(default="", max_length=500, description="A sentence for the file.")


def decision_form(medicines: list[Medicine]) -> type[Decision]:
    """Make the form for this prescription: filled in with its medicines."""
    field = Field(
        medicines,
        min_length=1,
        max_length=10,
        description="Change a line, and it is checked again.",
    )
    return create_model(
        "Decision", __base__=Decision, __doc__=Decision.__doc__, medicines=(list[Medicine], field)
    )
