"""Frames of pandas over the deliveries: each file's JSON is read record by record, the rest is merges and group-bys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.peers import year_before

BASE = ["key", "scope", "kind", "occurred_at", "observed_at", "payload"]
Record = dict[str, Any]
UTC_US = "datetime64[us, UTC]"


def read(files: Sequence[str], fields: Mapping[str, Callable[[Record], Any]]) -> pd.DataFrame:
    """Return the rows of all files with some fields of their JSON as columns."""
    frames = []
    for file in files:
        frame = pq.read_table(file, columns=BASE).to_pandas()
        told = [orjson.loads(text) if text else {} for text in frame.pop("payload").fillna("")]
        for name, get in fields.items():
            frame[name] = [get(one) for one in told]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def address(column: pd.Series) -> pd.Series:
    """Return addresses as they are compared."""
    return column.str.strip().str.lower()


def moment(column: pd.Series) -> pd.Series:
    """Read instants."""
    return pd.to_datetime(column, format="ISO8601", utc=True).astype(UTC_US)


def us_of(column: pd.Series) -> pd.Series:
    """Return instants as microseconds."""
    return column.astype(UTC_US).astype("int64")


def last(frame: pd.DataFrame, by: str | list[str] = "key") -> pd.DataFrame:
    """Return the latest row of each key."""
    return frame.sort_values(["occurred_at", "observed_at"], kind="stable").drop_duplicates(by, keep="last")


def union(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the time that intervals cover together."""
    ordered = frame.sort_values([*by, "start_us", "end_us"])
    reach = ordered.groupby(by)["end_us"].cummax()
    before = reach.groupby([ordered[name] for name in by]).shift(1)
    begin = np.maximum(ordered["start_us"], before.fillna(ordered["start_us"]).astype("int64"))
    ordered = ordered.assign(gain=np.maximum(ordered["end_us"] - begin, 0))
    return ordered.groupby(by, as_index=False).agg(
        start_us=("start_us", "min"), end_us=("end_us", "max"), gain=("gain", "sum")
    )


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return a share in parts per 10^15, rounded, in 64-bit integers: a long division in two steps."""
    high, rest = (part * 10**7) // whole, (part * 10**7) % whole
    return high * 10**8 + (rest * 10**8 + whole // 2) // whole


def build(deliveries: Mapping[str, Sequence[str]], as_of: datetime, out: Path) -> None:
    """Compute the published tables, and write each as a Parquet file below `out`."""
    from benchmarks.peers import pandas_marts as marts

    out.mkdir(parents=True, exist_ok=True)
    now = pd.Timestamp(as_of)
    midnight = now.normalize()
    since_30d, since_1y = midnight - timedelta(days=30), pd.Timestamp(year_before(midnight.to_pydatetime()))
    contacts = read(
        deliveries["contacts"],
        {
            "email": lambda told: told["properties"]["email"],
            "opened": lambda told: next(
                (one["value"] for one in told["propertiesWithHistory"]["hs_sales_email_last_opened"]), None
            ),
        },
    )
    contacts = last(contacts[contacts["occurred_at"] <= now])
    contacts = pd.DataFrame(
        {
            "contact_id": contacts["key"].astype("int64"),
            "email": address(contacts["email"]),
            "opened": moment(contacts["opened"]),
        }
    )
    events = read(
        deliveries["email_events"],
        {
            "type": lambda told: told["type"],
            "email": lambda told: told["recipient"],
            "campaign_id": lambda told: told["emailCampaignId"],
            "is_bot": lambda told: told["filteredEvent"],
            "sent_id": lambda told: told["sentBy"]["id"] if "sentBy" in told else None,
            "sent_created": lambda told: told["sentBy"]["created"] if "sentBy" in told else 0,
        },
    )
    events = events[events["occurred_at"] < now].drop_duplicates("key")
    events["email"] = address(events["email"])
    forms = read(
        deliveries["form_submissions"],
        {"email": lambda told: next((one["value"] for one in told["values"] if one["name"] == "email"), None)},
    )
    forms = forms[forms["occurred_at"] < now].drop_duplicates("key")
    forms["email"] = address(forms["email"])
    states = read(
        deliveries["webinars"],
        {
            "topic": lambda told: told.get("topic"),
            "join_url": lambda told: told.get("join_url"),
            "start": lambda told: told.get("start_time"),
            "minutes": lambda told: told.get("duration", 0),
        },
    )
    states = states[states["occurred_at"] <= now]
    gone = last(states)
    gone = gone[gone["kind"] == "absent"][["key", "occurred_at"]].rename(columns={"occurred_at": "absent_at"})
    planned = last(states[states["kind"] == "seen"]).merge(gone, on="key", how="left")
    planned["webinar_id"] = planned["key"].astype("int64")
    planned["scheduled_start_at"] = moment(planned["start"])
    planned["scheduled_end_at"] = planned["scheduled_start_at"] + pd.to_timedelta(planned["minutes"], unit="min")
    sessions = last(
        read(deliveries["instances"], {"start": lambda told: told["start_time"], "end": lambda told: told["end_time"]})
    )
    sessions = pd.DataFrame(
        {
            "uuid": sessions["key"],
            "webinar_id": sessions["scope"].astype("int64"),
            "start_us": us_of(moment(sessions["start"])),
            "end_us": us_of(moment(sessions["end"])),
        }
    )
    sessions = sessions[sessions["end_us"] <= now.value // 1000]
    actual = union(sessions, ["webinar_id"]).rename(
        columns={"start_us": "actual_start", "end_us": "actual_end", "gain": "actual_us"}
    )
    occurrences = planned.merge(actual, on="webinar_id", how="left")
    occurrences["status"] = np.select(
        [
            occurrences["actual_start"].notna(),
            occurrences["scheduled_start_at"] > occurrences["absent_at"],
            occurrences["scheduled_end_at"] < now,
        ],
        ["ended", "cancelled", "never_started"],
        "scheduled",
    )
    for name in ("actual_start", "actual_end"):
        occurrences[f"{name}_at"] = pd.to_datetime(occurrences[name].astype("Int64"), unit="us", utc=True)
    occurrences["actual_us"] = occurrences["actual_us"].fillna(0).astype("int64")
    registrants = _registrants(deliveries["registrants"], now)
    stood = registrants[registrants["has_stood"]].sort_values("registered_at", kind="stable")
    registrations = stood.groupby(["webinar_id", "email"], as_index=False).agg(
        first_registered_at=("registered_at", "min"),
        registered_at=("registered_at", "max"),
        is_standing=("is_standing", "any"),
        cancelled_at=("left_at", "max"),
        first_name=("first_name", "last"),
        last_name=("last_name", "last"),
    )
    registrations["cancelled_at"] = registrations["cancelled_at"].where(~registrations["is_standing"])
    connections = _connections(deliveries["participants"], sessions, registrants)
    counting = connections[connections["reason"].isna()]
    attendances = union(counting[["webinar_id", "email", "start_us", "end_us"]], ["webinar_id", "email"]).merge(
        occurrences[["webinar_id", "actual_us"]], on="webinar_id"
    )
    attendances = attendances[(attendances["gain"] > 0) & (attendances["actual_us"] > 0)]
    attendances = pd.DataFrame(
        {
            "webinar_id": attendances["webinar_id"],
            "email": attendances["email"],
            "joined_at": pd.to_datetime(attendances["start_us"], unit="us", utc=True),
            "left_at": pd.to_datetime(attendances["end_us"], unit="us", utc=True),
            "attended_us": attendances["gain"],
            "attended_ppq": share(attendances["gain"], attendances["actual_us"]),
        }
    )
    people = pd.concat([registrations[["email"]], attendances[["email"]]]).drop_duplicates()
    people = people.merge(contacts[["email", "contact_id"]].astype({"contact_id": "Int64"}), on="email", how="left")
    numbers = [-int(md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16) for text in people["email"]]
    people["subject_key"] = (
        people["contact_id"].fillna(pd.Series(numbers, index=people.index, dtype="Int64")).astype("int64")
    )
    marts.publish(
        out,
        now,
        since_30d,
        since_1y,
        contacts,
        events,
        forms,
        occurrences,
        registrations,
        connections,
        attendances,
        people,
    )


def _registrants(files: Sequence[str], now: pd.Timestamp) -> pd.DataFrame:
    told = read(
        files,
        {
            "email": lambda one: one.get("email"),
            "first_name": lambda one: one.get("first_name"),
            "last_name": lambda one: one.get("last_name"),
            "status": lambda one: one.get("status"),
            "created": lambda one: one.get("create_time"),
        },
    )
    told = told[told["occurred_at"] <= now]
    told = told.assign(is_seen=told["kind"] == "seen", is_good=told["status"].isin(["approved", "pending"]))
    now_told = last(told)[["key", "is_seen", "is_good", "occurred_at"]]
    now_told = now_told.assign(is_standing=now_told["is_seen"] & now_told["is_good"])[
        ["key", "is_standing", "occurred_at"]
    ]
    seen = told[told["is_seen"]]
    stood = seen.groupby("key", as_index=False).agg(has_stood=("is_good", "any"))
    found = last(seen).drop(columns=["occurred_at"]).merge(now_told, on="key").merge(stood, on="key")
    found["webinar_id"] = found["scope"].astype("int64")
    found["registrant_id"] = found["key"].str.split("|").str[1]
    found["email"] = address(found["email"])
    found["registered_at"] = moment(found["created"])
    found["left_at"] = found[["occurred_at", "registered_at"]].max(axis=1).where(~found["is_standing"])
    return found[found["registered_at"] < now]


def _connections(files: Sequence[str], sessions: pd.DataFrame, registrants: pd.DataFrame) -> pd.DataFrame:
    rows = last(
        read(
            files,
            {
                "name": lambda one: one["name"],
                "own_email": lambda one: one["user_email"],
                "registrant_id": lambda one: one["registrant_id"],
                "status": lambda one: one["status"],
                "join": lambda one: one["join_time"],
                "leave": lambda one: one["leave_time"],
            },
        )
    )
    rows = rows.rename(columns={"scope": "uuid"}).merge(sessions, on="uuid")
    known = registrants[["webinar_id", "registrant_id", "email"]]
    rows = rows.merge(known, on=["webinar_id", "registrant_id"], how="left")
    own = address(rows["own_email"])
    rows["email"] = rows["email"].where(rows["email"].notna(), own.where(own != ""))
    rows["start_us"] = np.maximum(us_of(moment(rows["join"])), rows["start_us"])
    rows["end_us"] = np.minimum(us_of(moment(rows["leave"])), rows["end_us"])
    reason = pd.Series(None, index=rows.index, dtype="str")
    reason = reason.mask(rows["end_us"] <= rows["start_us"], "no_overlap")
    reason = reason.mask(rows["email"].isna(), "participant_without_email")
    rows["reason"] = reason.mask(rows["status"] == "in_waiting_room", "waiting_room")
    return rows[["webinar_id", "name", "email", "start_us", "end_us", "reason"]]
