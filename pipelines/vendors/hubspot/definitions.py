"""The properties that turnout owns: group `turnout`, created where the portal lacks them.

A property's `type` and `fieldType` are HubSpot's words (https://developers.hubspot.com/docs/api-reference/crm/properties).
"""

from __future__ import annotations

GROUP = "turnout"
GROUP_LABEL = "turnout"

NUMBER = ("number", "number")
TEXT = ("string", "text")
INSTANT = ("datetime", "date")

PROPERTIES: dict[str, tuple[str, tuple[str, str], str]] = {
    "turnout_avg_attendance_pct": (
        "Average webinar attendance (%)",
        NUMBER,
        "Mean share of the webinars attended that this contact stayed for, 0 to 100. Empty: none attended.",
    ),
    "turnout_webinars_registered": (
        "Webinars registered",
        NUMBER,
        "Distinct webinars registered for, cancelled or not.",
    ),
    "turnout_webinars_attended": ("Webinars attended", NUMBER, "Distinct webinars attended; a series counts once."),
    "turnout_occurrences_attended": ("Webinar dates attended", NUMBER, "Each date of a series counts."),
    "turnout_last_registered_webinar_url": (
        "Last webinar registered by the CRM",
        TEXT,
        "The webinar that this contact was last registered for from the CRM.",
    ),
    "turnout_last_registration_url": ("Last webinar registered", TEXT, "The webinar last registered for, anywhere."),
    "turnout_last_registration_at": ("Last webinar registration", INSTANT, "When that registration was made."),
    "turnout_source": ("Source", TEXT, "What made turnout create this contact."),
    "turnout_webinars_attended_30d": ("Webinars attended, 30 days", NUMBER, "Distinct webinars in the last 30 days."),
    "turnout_webinars_attended_1y": ("Webinars attended, 1 year", NUMBER, "Distinct webinars in the last year."),
    "turnout_emails_opened_30d": ("Emails opened, 30 days", NUMBER, "Distinct marketing emails, bots left out."),
    "turnout_emails_opened_1y": ("Emails opened, 1 year", NUMBER, "Distinct marketing emails, bots left out."),
    "turnout_emails_clicked_30d": ("Emails clicked, 30 days", NUMBER, "Distinct marketing emails, bots left out."),
    "turnout_emails_clicked_1y": ("Emails clicked, 1 year", NUMBER, "Distinct marketing emails, bots left out."),
    "turnout_forms_submitted_30d": ("Forms submitted, 30 days", NUMBER, "Submissions of any form."),
    "turnout_forms_submitted_1y": ("Forms submitted, 1 year", NUMBER, "Submissions of any form."),
    "turnout_last_activity_at": (
        "Last activity",
        INSTANT,
        "Latest registration, attendance, open, click, form or content view; bots left out.",
    ),
}
"""Name to label, type and description; the names are fixed (they are what users' lists filter on)."""

KEY = "turnout_id"
KEY_LABEL = "turnout id"
KEY_ABOUT = (
    "What this was made of: sf: a record of Salesforce, zm: and zr: a meeting or recording of Zoom. Not made twice."
)
"""The one property of tasks, emails, calls and meetings that we make; no two may have one value."""
