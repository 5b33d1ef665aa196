"""`/composite`: up to 25 requests in one, which may refer to each other's answers.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import orjson

from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall, body_of, dispatched, routes
from pipelines.sandbox.web import Answer, Query, segments_of

Record = dict[str, Any]
V = "/services/data/{version}"
MOST, MOST_HEAVY = 25, 5
REFERENCE = re.compile(r"@\{([^}]+)\}")
HALTED = "The transaction was rolled back since another operation in the same transaction failed."


@routes.on("POST", f"{V}/composite")
def composite(call: SalesforceCall) -> Answer:
    """Each part's answer, in order. With allOrNone one that fails undoes the others."""
    body = body_of(call)
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Denied("JSON_PARSER_ERROR", "The body needs a list of objects under compositeRequest")
    if len(parts) > MOST:
        raise Denied("LIMIT_EXCEEDED", f"Limit exceeded: {len(parts)} of {MOST} subrequests")
    if (
        sum("/query" in str(part.get("url")) or "/composite/sobjects" in str(part.get("url")) for part in parts)
        > MOST_HEAVY
    ):
        raise Denied("LIMIT_EXCEEDED", f"only {MOST_HEAVY} subrequests may be queries or collections")
    mark = len(call.org.journal)
    told: list[Record] = []
    answers: dict[str, Any] = {}
    records = 0
    for part in parts:
        name = str(part.get("referenceId") or "")
        if not re.fullmatch(r"[A-Za-z0-9]\w*", name) or name in answers:
            raise Denied("INVALID_INPUT", f"Invalid or repeated reference id {name!r}")
        try:
            answer = _part(call, part, answers)
        except Denied as denied:
            answer = denied.answer()
        answers[name] = answer.body
        records += answer.records
        told.append(
            {
                "body": answer.body,
                "httpHeaders": dict(answer.headers),
                "httpStatusCode": answer.status,
                "referenceId": name,
            }
        )
    if body.get("allOrNone") is True and any(one["httpStatusCode"] >= 300 for one in told):
        call.org.roll_back(mark)
        records = 0
        for one in told:
            if one["httpStatusCode"] < 300:
                one |= {"httpStatusCode": 400, "body": Denied("PROCESSING_HALTED", HALTED).whole(), "httpHeaders": {}}
    return Answer(200, {"compositeResponse": told}, records=records)


def _part(call: SalesforceCall, part: Record, answers: dict[str, Any]) -> Answer:
    url = _filled(str(part.get("url") or ""), answers)
    path, _, query = str(url).partition("?")
    if not path.startswith("/services/data/") or path.rstrip("/").endswith("/composite"):
        raise Denied("NOT_FOUND", f"{path} cannot be a subrequest", status=404)
    body = _filled(part.get("body"), answers)
    headers = part.get("httpHeaders") or {}
    if not isinstance(headers, dict):
        raise Denied("JSON_PARSER_ERROR", "httpHeaders is an object")
    return dispatched(
        replace(
            call,
            method=str(part.get("method") or "").upper(),
            path=str(url),
            segments=segments_of(path),
            query=Query(query),
            content=b"" if body is None else orjson.dumps(body),
            headers={**call.headers, **{str(k).lower(): str(v) for k, v in headers.items()}},
        )
    )


def _filled(given: Any, answers: dict[str, Any]) -> Any:
    """The value with every `@{reference.path}` replaced by what it stands for."""
    if isinstance(given, dict):
        return {key: _filled(value, answers) for key, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, answers) for value in given]
    if not isinstance(given, str):
        return given
    whole = REFERENCE.fullmatch(given)
    if whole:
        return _meant(whole[1], answers)
    return REFERENCE.sub(lambda match: str(_meant(match[1], answers)), given)


def _meant(reference: str, answers: dict[str, Any]) -> Any:
    name, *steps = re.findall(r"[^.\[\]]+", reference)
    found = answers.get(name)
    for step in steps:
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            found = None
            break
    if found is None:
        raise Denied("PROCESSING_HALTED", f"Invalid reference specified. No value for {reference} found")
    return found
