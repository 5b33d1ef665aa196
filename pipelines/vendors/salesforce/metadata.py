"""Our own fields on Activity as an SFDX project: three fields and a permission set that lets a user see and write them.

Facts: custom fields of Task and Event are defined on their parent Activity
(https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/customfield.htm), and permissions for them
name Task and Event.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import orjson

from pipelines.vendors.salesforce.client import VERSION
from pipelines.vendors.salesforce.objects import OURS

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
FIELDS: dict[str, dict[str, str]] = {
    OURS[0]: {
        "caseSensitive": "true",
        "description": "Names the activity that this record tells of, so that each activity has one record.",
        "externalId": "true",
        "label": "Turnout Id",
        "length": "100",
        "required": "false",
        "type": "Text",
        "unique": "true",
    },
    OURS[1]: {
        "description": "When it happened, to the second. The due date of a Task has no time of day.",
        "externalId": "false",
        "label": "Turnout Occurred At",
        "required": "false",
        "type": "DateTime",
    },
    OURS[2]: {
        "description": "What happened: one of the activity types of turnout.",
        "externalId": "false",
        "label": "Turnout Activity",
        "length": "40",
        "required": "false",
        "type": "Text",
        "unique": "false",
    },
}
README = """Fields of turnout on Task and Event

    sf project deploy start --target-org YOUR_ORG
    sf org assign permset --name Turnout --target-org YOUR_ORG

Give the permission set to the user whom turnout acts as. `turnout doctor` then tells whether all is there.
"""


def write_metadata(folder: Path) -> list[Path]:
    """Write the project into a folder and return its files.

    Raises:
        OSError: it cannot be written there.
    """
    source = folder / "force-app" / "main" / "default"
    texts: dict[Path, str] = {
        folder / "sfdx-project.json": orjson.dumps(
            {
                "packageDirectories": [{"path": "force-app", "default": True}],
                "name": "turnout",
                "namespace": "",
                "sourceApiVersion": VERSION.removeprefix("v"),
            },
            option=orjson.OPT_INDENT_2,
        ).decode()
        + "\n",
        folder / "README.txt": README,
        source / "permissionsets" / "Turnout.permissionset-meta.xml": _permissions(),
    }
    for name, facts in FIELDS.items():
        texts[source / "objects" / "Activity" / "fields" / f"{name}.field-meta.xml"] = _element(
            "CustomField", [_tag("fullName", name), *(_tag(key, value) for key, value in facts.items())]
        )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(texts)


def _permissions() -> str:
    permissions = [
        "    <fieldPermissions>\n"
        f"        <editable>true</editable>\n        <field>{kind}.{name}</field>\n        <readable>true</readable>\n"
        "    </fieldPermissions>"
        for kind in ("Event", "Task")
        for name in sorted(OURS)
    ]
    told = [
        _tag("description", "Sees and writes the fields of turnout on Tasks and Events."),
        *permissions,
        _tag("hasActivationRequired", "false"),
        _tag("label", "Turnout"),
    ]
    return _element("PermissionSet", told)


def _tag(name: str, value: str) -> str:
    return f"    <{name}>{escape(value)}</{name}>"


def _element(name: str, inner: list[str]) -> str:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">\n'
    return head + "\n".join(inner) + f"\n</{name}>\n"
