"""How often the instance was called, and what went wrong. The days are those of the quota.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/usage
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pipelines.sandbox.marketo.gate import KEPT_DAYS, MarketoCall, routes, success
from pipelines.sandbox.marketo.stamps import quota_day
from pipelines.sandbox.web import Answer

Record = dict[str, Any]
V = "/rest/v1/stats"


def _days(call: MarketoCall, count: int) -> list[date]:
    today = quota_day(call.now)
    return [today - timedelta(days=at) for at in range(count)]


def _used(call: MarketoCall, day: date) -> Record:
    total = call.book.used[day]
    return {"date": day.isoformat(), "total": total, "users": [{"userId": call.user, "count": total}]}


def _failed(call: MarketoCall, day: date) -> Record:
    counts: dict[str, int] = call.book.errors.get(day) or {}
    errors = [{"errorCode": code, "count": count} for code, count in sorted(counts.items())]
    return {"date": day.isoformat(), "total": sum(counts.values()), "errors": errors}


@routes.on("GET", f"{V}/usage")
def used_today(call: MarketoCall) -> Answer:
    return success(call, [_used(call, day) for day in _days(call, 1)])


@routes.on("GET", f"{V}/usage/last7days")
def used_lately(call: MarketoCall) -> Answer:
    return success(call, [_used(call, day) for day in _days(call, KEPT_DAYS)])


@routes.on("GET", f"{V}/errors")
def failed_today(call: MarketoCall) -> Answer:
    return success(call, [_failed(call, day) for day in _days(call, 1)])


@routes.on("GET", f"{V}/errors/last7days")
def failed_lately(call: MarketoCall) -> Answer:
    return success(call, [_failed(call, day) for day in _days(call, KEPT_DAYS)])
