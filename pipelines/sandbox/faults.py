"""What goes wrong on demand: `PUT /_sandbox/faults` replaces the whole set, `{}` clears it.

    {"rules": [{"vendor": "zoom" | "hubspot" | … | "*",   which origin; missing = every one
                "method": "GET",                      missing = every method
                "path": "/participants",              a regular expression searched in path and query
                "kind": "status",                     see KINDS
                "after": 2,                           let the first two matching requests through
                "times": 1,                           strike this often, null (the default) = for ever
                "probability": 0.1,                   seeded; missing = always
                "status": 503, "body": {…} or "…", "headers": {…},      for status, html, accept_500; at Marketo a
                                                      number from 600 on is a code of its own, at HTTP 200
                "policy": "daily" | "burst" | "secondly",               for rate_limit
                "retry_after": 30}],                                    seconds, for migrating and rate_limit
     "switches": {"hubspot.search_lag_seconds": 60}}  see SWITCHES

Of several rules that match a request the first that is due strikes; the later ones do not see that request.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

KINDS: dict[str, str] = {
    "status": "answer with any status, body and headers; nothing is done",
    "rate_limit": "the vendor's own 429 (or code): policy daily, burst (default), secondly; nothing is done",
    "expire_token": "the token that came is refused (401, Marketo: 602; but at HubSpot it stays dead); nothing is done",
    "html": "a proxy's HTML page with status 502, or the status given; nothing is done",
    "drop_before": "the connection ends without an answer; nothing is done",
    "locked": "423; nothing is done",
    "migrating": "477 with Retry-After; nothing is done",
    "truncate": "it is done; half of the JSON body is sent",
    "drop_after": "it is done; the connection ends without an answer",
    "accept_500": "it is done; the answer is 500, or the status given",
    "empty_page": "a page without records whose next token leads to the same place",
    "duplicate_records": "a page that repeats records",
    "shuffle": "a page in another order",
    "stale_page": "the answer that the same reading request got before, where there was one",
}
BEFORE = {"status", "rate_limit", "expire_token", "html", "drop_before", "locked", "migrating", "stale_page"}
PAGE_KINDS = {"empty_page", "duplicate_records", "shuffle"}

SWITCHES: dict[str, Any] = {
    # Zoom
    "zoom.plan": "business",  # business | pro | free: the rate limits
    "zoom.rate_limits": True,  # per-second and daily limits at all
    "zoom.daily_limit": None,  # calls a day of each label; null = the plan's
    "zoom.missing_scopes": [],  # 400/4711 on whatever needs one of these
    "zoom.token_seconds": 3599,
    "zoom.new_token_kills_old": False,  # an old report; several tokens are documented
    "zoom.token_error_status": 401,  # 400 is documented as well
    "zoom.page_token_minutes": 15,
    "zoom.report_months": 12,  # older instances: 400/12702; null = no limit (the text says six, the error a year)
    "zoom.report_delay_minutes": 0,  # reports of a session are 404 so long after its end
    "zoom.duration_zero_minutes": 0,  # so long after the end rows have duration 0 and no leave_time
    "zoom.history_months": None,  # how far back history_meetings reaches; unverified, so without limit
    "zoom.expire_ids": False,  # 404/3001 for ids 30 days (recurring: 365) after their last use; user reports only
    "zoom.registrant_daily_cap": 3,
    "zoom.registrant_cap_per_webinar": False,  # the cap counts per address; true: per address and webinar
    "zoom.status_daily_cap": 10,
    "zoom.denied_may_register_again": False,
    "zoom.practice_sessions_listed": True,  # unverified
    "zoom.double_encoding_always": False,  # accept a UUID encoded twice though it need not be; unverified
    "zoom.blank_all_emails": False,  # a HIPAA account: no names, no addresses
    "zoom.recordings_show_processing": False,  # REST shows completed files only
    "zoom.batch_registrants_status": 201,  # the heading says 201, the text 200
    "zoom.me": True,  # `me` as a user id for a Server-to-Server app; reports differ
    # HubSpot
    "hubspot.rate_limits": True,
    "hubspot.burst_limit": None,  # calls in ten seconds; null = the tier's
    "hubspot.daily_limit": None,
    "hubspot.search_per_second": 5,
    "hubspot.association_limit": None,
    "hubspot.retry_after": False,  # a Retry-After header on 429; not promised
    "hubspot.missing_scopes": [],  # 403
    "hubspot.search_lag_seconds": 10,
    "hubspot.search_cap": 10000,
    "hubspot.search_total_runs_ahead": False,  # `total` counts what the index does not give yet
    "hubspot.merge_new_id": False,  # the survivor of a merge gets an id of its own
    "hubspot.merged_get_404": False,  # a merged-away id answers with the survivor unless this is on; unverified
    "hubspot.upsert_secondary": "conflict",  # conflict | owner: upsert by somebody's secondary address; unverified
    "hubspot.update_by_email": False,  # batch update with idProperty email is refused
    "hubspot.unchanged_write_touches": True,  # lastmodifieddate moves though nothing changed; unverified
    "hubspot.null_properties": True,  # asked-for properties without a value come as null; false: left out
    "hubspot.marketing_events_identifiers_lag": 180,  # seconds until an event is found by its external id
    "hubspot.attend_without_times_is_stored": False,
    "hubspot.email_offset_minutes": 15,
    "hubspot.list_max_ids": 100000,  # per call; often quoted, unverified
    # Marketo
    "marketo.rate_limits": True,
    "marketo.rate_limit": 100,  # calls in 20 seconds
    "marketo.daily_limit": 50000,
    "marketo.neighbour_calls": 0,  # what others spend of it with each call
    "marketo.concurrent_limit": 10,
    "marketo.long_requests": 0,  # how many calls of others run
    "marketo.answer_seconds": 0,  # real seconds that a call runs; calls at once do not see each other's leads
    "marketo.token_seconds": 3600,
    "marketo.token_in_query": False,  # `access_token` in the address, as it was taken until August 2026
    "marketo.doubled_slashes": False,  # paths with `//`, as they were taken
    "marketo.missing_permissions": [],  # 603 where one of these is needed: `Read-Write Lead`, …
    "marketo.commit_lag_seconds": 0,  # what is done here stands in the log so much later than its date says
    "marketo.activity_scan_rows": 300,  # how far one call looks in the log
    "marketo.activity_ids": True,  # false: rows have their marketoGUID alone
    "marketo.activity_offset": False,  # `+0000` for `Z` in activityDate; both are documented
    "marketo.activity_retention_days": None,  # per type, and unverified, so without an end
    "marketo.deleted_leads_days": 14,
    "marketo.listed_leads_limit": None,  # leads in a list from which `listId` is refused: 10000, by the end of 2026
    "marketo.member_query_limit": 100000,
    "marketo.bulk_daily_bytes": 500 * 1024 * 1024,
    "marketo.bulk_polls": 2,  # how often jobs have to be asked for until one that runs is complete
    "marketo.bulk_fails": False,
    "marketo.bulk_file_lag": 0,  # how often the file of a completed job is 404
    "marketo.bulk_leads_by_update": True,  # false: 1035, as some instances answer
    "marketo.bulk_attributes": "object",  # object | list: both are documented
    "marketo.bulk_null": "null",  # what stands for nothing
    "marketo.bulk_untidy": False,  # NUL signs in texts, decimals in whole numbers
    # Salesforce
    "salesforce.session_minutes": 120,  # idle minutes after which a session ends; null = never
    "salesforce.daily_limit": 100000,  # requests in any 24 hours, of all programs together
    "salesforce.neighbour_calls": 0,  # what others spend of it with each request
    "salesforce.concurrent_limit": 25,
    "salesforce.long_requests": 0,  # how many long requests of others run
    "salesforce.storage_rows": None,  # rows that the org has room for
    "salesforce.page_rows": None,  # a page of a query has at most so many rows, and every second one fewer
    "salesforce.locator_minutes": 15,
    "salesforce.open_locators": 10,  # of one user; the oldest is dropped
    "salesforce.missing_fields": [],  # the org lacks these: `Type`, or `Task.Type` for one object
    "salesforce.hidden_fields": [],  # the org has them, the user does not see them
    "salesforce.readonly_fields": [],  # the user sees them, and cannot write them
    "salesforce.restricted_task_types": True,  # per org: an unrestricted picklist takes anything
    "salesforce.validation_rules": [],  # `Task | Priority = 'High' | message | field, or none`
    "salesforce.duplicate_rule": "off",  # off | alert | block: contacts and leads with one address
    "salesforce.locked_parents": [],  # ids of people and things that somebody else holds
    "salesforce.lock_times": None,  # how often each of them refuses; null = always
    "salesforce.wrapped_locks": False,  # the lock's error stands inside another one's message
    "salesforce.archive_days": 365,
    "salesforce.bulk_polls": 2,  # how often a job has to be asked for until it is complete
    "salesforce.bulk_batch_rows": 10000,
    "salesforce.bulk_fails": False,  # jobs end as Failed with half of their rows done
}
CHOICES: dict[str, set[Any]] = {
    "zoom.plan": {"business", "pro", "free"},
    "zoom.token_error_status": {400, 401},
    "zoom.batch_registrants_status": {200, 201},
    "hubspot.upsert_secondary": {"conflict", "owner"},
    "marketo.bulk_attributes": {"object", "list"},
    "salesforce.duplicate_rule": {"off", "alert", "block"},
}
RULE_KEYS = {
    "vendor",
    "method",
    "path",
    "kind",
    "times",
    "after",
    "probability",
    "status",
    "body",
    "headers",
    "policy",
    "retry_after",
}
VENDORS = {"*", "zoom", "hubspot", "marketo", "salesforce"}


class FaultError(ValueError):
    """The set of faults cannot be read; the message names what is wrong with it."""


@dataclass
class Rule:
    """One rule and how often it has matched and struck."""

    given: dict[str, Any]
    kind: str
    vendor: str
    method: str
    path: re.Pattern[str]
    times: int | None
    after: int
    probability: float | None
    seen: int = 0
    struck: int = 0

    def matches(self, vendor: str, method: str, target: str) -> bool:
        return (
            self.vendor in ("*", vendor)
            and self.method in ("", method)
            and self.path.search(target) is not None
            and (self.times is None or self.struck < self.times)
        )


@dataclass
class Faults:
    """The faults in force."""

    seed: int = 0
    rules: list[Rule] = field(default_factory=list)
    switches: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def put(self, given: Any) -> None:
        """Replace the set; nothing changes where it cannot be read."""
        if not isinstance(given, dict):
            raise FaultError("faults: expected an object")
        unknown = sorted(set(given) - {"rules", "switches", "struck"})
        if unknown:
            raise FaultError(f"faults: unknown keys {unknown}; known: rules, switches")
        rules = [read_rule(rule, f"rules[{at}]") for at, rule in enumerate(given.get("rules") or [])]
        switches = read_switches(given.get("switches") or {})
        self.rules, self.switches = rules, switches
        self._chance = random.Random(self.seed)

    def show(self) -> dict[str, Any]:
        """The set as it was put, and how often each rule has struck."""
        return {
            "rules": [rule.given for rule in self.rules],
            "switches": self.switches,
            "struck": [rule.struck for rule in self.rules],
        }

    def switch(self, name: str) -> Any:
        return self.switches.get(name, SWITCHES[name])

    def pick(self, vendor: str, method: str, target: str) -> Rule | None:
        """The rule that strikes this request, if any."""
        for rule in self.rules:
            if not rule.matches(vendor, method, target):
                continue
            rule.seen += 1
            if rule.seen <= rule.after:
                continue
            if rule.probability is not None and self._chance.random() >= rule.probability:
                continue
            rule.struck += 1
            return rule
        return None


def read_rule(given: Any, path: str) -> Rule:
    """Check one rule's shape."""
    if not isinstance(given, dict):
        raise FaultError(f"{path}: expected an object")
    unknown = sorted(set(given) - RULE_KEYS)
    if unknown:
        raise FaultError(f"{path}: unknown keys {unknown}; known: {sorted(RULE_KEYS)}")
    kind, vendor = given.get("kind"), given.get("vendor", "*")
    if kind not in KINDS:
        raise FaultError(f"{path}.kind: unknown kind {kind!r}; known: {sorted(KINDS)}")
    if vendor not in VENDORS:
        raise FaultError(f"{path}.vendor: unknown vendor {vendor!r}; known: {sorted(VENDORS)}")
    if given.get("policy", "burst") not in {"daily", "burst", "secondly"}:
        raise FaultError(f"{path}.policy: {given['policy']!r} is none of daily, burst, secondly")
    times, after, probability = given.get("times"), given.get("after", 0), given.get("probability")
    for name, value in (("times", times), ("after", after), ("probability", probability)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise FaultError(f"{path}.{name}: {value!r} is no number of 0 or more")
    try:
        pattern = re.compile(str(given.get("path", "")))
    except re.error as error:
        raise FaultError(f"{path}.path: {error}") from error
    method = str(given.get("method") or "").upper()
    return Rule(given, kind, vendor, method, pattern, times, int(after or 0), probability)


def read_switches(given: Any) -> dict[str, Any]:
    """Check names and kinds of the switches."""
    if not isinstance(given, dict):
        raise FaultError("switches: expected an object")
    unknown = sorted(set(given) - set(SWITCHES))
    if unknown:
        raise FaultError(f"switches: unknown names {unknown}; known: {sorted(SWITCHES)}")
    for name, value in given.items():
        if not _fits(SWITCHES[name], value):
            raise FaultError(f"switches.{name}: {value!r} is not the kind of value it takes ({SWITCHES[name]!r})")
        if name in CHOICES and value not in CHOICES[name]:
            raise FaultError(f"switches.{name}: {value!r} is none of {sorted(CHOICES[name])}")
    return dict(given)


def _fits(default: Any, value: Any) -> bool:
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, str):
        return isinstance(value, str)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)
