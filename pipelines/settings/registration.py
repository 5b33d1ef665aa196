"""Settings of registering people in Zoom: whose wish counts, and what is answered to its forms (HZ-32, HZ-33)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.settings.entries import WebinarId
from pipelines.settings.salesforce import PROPERTY

LONGEST_QUESTION = 128


def _property(name: str) -> str:
    if name and not PROPERTY.fullmatch(name):
        raise ValueError("write the internal name of a contact property, for example next_webinar")
    return name


def _questions(mapping: dict[str, str]) -> dict[str, str]:
    for name, question in mapping.items():
        if not PROPERTY.fullmatch(name):
            raise ValueError(f"{name!r} is no contact property: write its internal name")
        if not question.strip() or len(question) > LONGEST_QUESTION:
            raise ValueError(f"{name} answers no question: write Zoom's name of it (job_title), or its own words")
    return mapping


class Registration(BaseModel):
    """Who is registered in Zoom from the CRM.

    Attributes:
        contact_property: the contact property that holds the id of a webinar, "" for none.
        forms: id of a form to the webinar for which it registers whoever sends it in.
        questions: contact property to the question that it answers: Zoom's name of it, or a custom question's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    contact_property: Annotated[str, AfterValidator(_property)] = ""
    forms: dict[str, WebinarId] = Field(default_factory=dict)
    questions: Annotated[dict[str, str], AfterValidator(_questions)] = Field(default_factory=dict)

    @property
    def properties(self) -> tuple[str, ...]:
        """The contact properties that are looked at."""
        return tuple(sorted({*self.questions, *filter(None, [self.contact_property])}))

    def meaning(self) -> dict[str, object]:
        """Return the section as the log keeps it: tables as lists, in order."""
        return {
            "contact_property": self.contact_property,
            "forms": [{"form_id": form, "webinar_id": webinar} for form, webinar in sorted(self.forms.items())],
            "questions": [{"property": name, "question": asked} for name, asked in sorted(self.questions.items())],
        }
