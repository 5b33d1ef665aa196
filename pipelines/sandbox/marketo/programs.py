"""Programs, channels and tags, by the asset endpoints.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/programs : past the end there is no
`result` but a warning. Lists tell neither tags nor costs nor the dates of an event; the program by its id does.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipelines.sandbox.marketo.gate import (
    READ_ASSETS,
    WRITE_ASSETS,
    MarketoCall,
    Refused,
    assets,
    date_of,
    form_of,
    number,
    numbers,
    path_number,
    required,
    routes,
    size_of,
    values_of,
)
from pipelines.sandbox.marketo.stamps import asked, asset, moment
from pipelines.sandbox.web import Answer, page

Record = dict[str, Any]
V = "/rest/asset/v1"
LARGEST_PAGE, USUAL_PAGE = 200, 20
ALONE = ("tags", "costs", "startDate", "endDate")
"""What is told of one program alone."""
DATED = {"event", "event with webinar", "webinar", "email"}


def cut_out(call: MarketoCall, rows: list[Record]) -> list[Record]:
    """One page of assets, by its offset."""
    size = size_of(call, "maxReturn", USUAL_PAGE, LARGEST_PAGE)
    text = call.query.get("offset", "0")
    if not text.isdecimal():
        raise Refused("1003", f"Invalid value '{text}' for 'offset'")
    fault = call.page_fault if call.page_fault != "empty_page" else ""  # no token leads on from an offset
    return page(rows, int(text[:9]), size, fault)[0]


def within_dates(call: MarketoCall, rows: list[Record]) -> list[Record]:
    """The assets that were changed between two dates."""
    earliest, latest = date_of(call, "earliestUpdatedAt"), date_of(call, "latestUpdatedAt")
    rows = [row for row in rows if earliest is None or moment(row["updatedAt"]) >= earliest]
    return [row for row in rows if latest is None or moment(row["updatedAt"]) <= latest]


def _listed(row: Record) -> Record:
    return {name: value for name, value in row.items() if name not in ALONE}


@routes.on("GET", f"{V}/programs", scopes=READ_ASSETS)
def programs(call: MarketoCall) -> Answer:
    rows = sorted(call.instance.programs.values(), key=lambda row: int(row["id"]))
    kind = call.query.get("filterType")
    if kind:
        values = values_of(call, "filterValues", LARGEST_PAGE)
        if kind == "workspace":
            rows = [row for row in rows if row["workspace"] in values]
        elif kind in ("id", "programId"):
            rows = [row for row in rows if row["id"] in numbers(values, kind)]
        elif kind == "folderId":
            rows = [row for row in rows if row["folder"].get("value") in numbers(values, kind)]
        else:
            raise Refused("1003", f"Invalid value '{kind}' for 'filterType'")
    return assets(call, [_listed(row) for row in cut_out(call, within_dates(call, rows))])


@routes.on("GET", f"{V}/program/{{id}}", scopes=READ_ASSETS)
def program(call: MarketoCall) -> Answer:
    row = call.instance.programs.get(path_number(call))
    return assets(call, [row] if row else [])


@routes.on("GET", f"{V}/program/byName", scopes=READ_ASSETS)
def by_name(call: MarketoCall) -> Answer:
    name = required(call, "name")
    more = [key for key, flag in (("tags", "includeTags"), ("costs", "includeCosts")) if call.query.flag(flag)]
    rows = [row for row in call.instance.programs.values() if row["name"] == name]
    told = [{key: value for key, value in row.items() if key not in ("tags", "costs") or key in more} for row in rows]
    return assets(call, told)


@routes.on("GET", f"{V}/program/byTag", scopes=READ_ASSETS)
def by_tag(call: MarketoCall) -> Answer:
    wanted = {"tagType": required(call, "tagType"), "tagValue": required(call, "tagValue")}
    return assets(call, cut_out(call, [row for row in call.instance.programs.values() if wanted in row["tags"]]))


@routes.on("POST", f"{V}/programs", scopes=WRITE_ASSETS)
def create(call: MarketoCall) -> Answer:
    given = form_of(call)
    for name in ("name", "folder", "type", "channel"):
        if not given.get(name):
            raise Refused("701", f"{name} cannot be blank")
    if given["channel"] not in call.instance.channels:
        raise Refused("709", f"Channel '{given['channel']}' not found")
    if any(row["name"] == given["name"] for row in call.instance.programs.values()):
        raise Refused("709", "Name already exists: another program has it")
    row: Record = {
        "id": call.instance.next_id("programs"),
        "name": str(given["name"]),
        "description": str(given.get("description") or ""),
        "createdAt": asset(call.now),
        "updatedAt": asset(call.now),
        "type": str(given["type"]),
        "channel": str(given["channel"]),
        "folder": folder_of(given["folder"]),
        "status": "",
        "workspace": "Default",
        "tags": _list_of(given.get("tags"), "tags"),
        "costs": _list_of(given.get("costs"), "costs"),
    }
    row["url"] = f"https://app.marketo.example/#PG{row['id']}A1"
    call.instance.programs[row["id"]] = row
    call.instance.record["programs"].append(row)
    return assets(call, [row])


@routes.on("POST", f"{V}/program/{{id}}", scopes=WRITE_ASSETS)
def update(call: MarketoCall) -> Answer:
    row = call.instance.programs.get(path_number(call))
    if row is None:
        raise Refused("702", f"Program with id '{call.params['id']}' not found")
    given = form_of(call)
    changed: Record = {name: str(given[name]) for name in ("name", "description") if given.get(name) is not None}
    for name in ("startDate", "endDate"):
        if given.get(name):
            if row["type"].lower() not in DATED:
                raise Refused("709", f"{name} is not applicable to a program of type '{row['type']}'")
            try:
                changed[name] = asset(asked(str(given[name])))
            except (ValueError, OverflowError) as error:
                raise Refused("704", f"Invalid date format: '{given[name]}' for '{name}'") from error
    for name in ("tags", "costs"):
        if given.get(name):
            changed[name] = _list_of(given[name], name)
    row.update(changed)
    call.instance.touch(row, call.now)
    return assets(call, [row])


def folder_of(given: Any) -> Record:
    """A folder as the API takes it, `{"id": 1, "type": "Folder"}`, in the shape in which it gives it."""
    found = _json(given, "folder")
    identifier = number(found.get("id")) if isinstance(found, dict) else None
    if identifier is None or found.get("type") not in ("Folder", "Program"):
        raise Refused("709", "folder must have an id, and as its type Folder or Program")
    return {"type": found["type"], "value": identifier, "folderName": f"{found['type']} {identifier}"}


def _list_of(given: Any, name: str) -> list[Record]:
    found = _json(given, name) if given else []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused("709", f"{name} must be a list")
    return found


def _json(given: Any, name: str) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return orjson.loads(given.replace("'", '"'))
    except ValueError as error:
        raise Refused("709", f"{name} is no JSON") from error


@routes.on("GET", f"{V}/channels", scopes=READ_ASSETS)
def channels(call: MarketoCall) -> Answer:
    return assets(call, cut_out(call, sorted(call.instance.channels.values(), key=lambda row: int(row["id"]))))


@routes.on("GET", f"{V}/channel/byName", scopes=READ_ASSETS)
def channel(call: MarketoCall) -> Answer:
    row = call.instance.channels.get(call.query.get("name") or required(call, "Name"))
    return assets(call, [row] if row else [])


def _tag_types(call: MarketoCall) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in call.instance.programs.values():
        for tag in row["tags"]:
            found.setdefault(str(tag.get("tagType")), []).append(str(tag.get("tagValue")))
    return found


@routes.on("GET", f"{V}/tagTypes", scopes=READ_ASSETS)
def tag_types(call: MarketoCall) -> Answer:
    """The tags that programs bear."""
    rows = [
        {"tagType": name, "applicableProgramTypes": "program,event,email", "required": False}
        for name in sorted(_tag_types(call))
    ]
    return assets(call, cut_out(call, rows))


@routes.on("GET", f"{V}/tagType/byName", scopes=READ_ASSETS)
def tag_type(call: MarketoCall) -> Answer:
    name = required(call, "name")
    values = sorted(set(_tag_types(call).get(name, ())))
    row = {"tagType": name, "applicableProgramTypes": "program,event,email", "required": False}
    return assets(call, [{**row, "allowableValues": f"[{', '.join(values)}]"}] if values else [])
