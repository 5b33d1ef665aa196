"""Lazy frames of Polars over the deliveries; each published table is collected by the streaming engine and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path

import polars as pl

from benchmarks.peers import year_before

BASE = ["key", "scope", "kind", "occurred_at", "observed_at"]
PPQ = 1_000_000_000_000_000
MS = "%Y-%m-%dT%H:%M:%S%.3fZ"


TEXT = pl.String
VALUE = pl.List(pl.Struct({"value": TEXT}))
SHAPES: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "contacts": {
        "properties": pl.Struct({"email": TEXT}),
        "propertiesWithHistory": pl.Struct({"hs_sales_email_last_opened": VALUE}),
    },
    "email_events": {
        "id": TEXT,
        "created": pl.Int64,
        "type": TEXT,
        "recipient": TEXT,
        "emailCampaignId": pl.Int64,
        "filteredEvent": pl.Boolean,
        "sentBy": pl.Struct({"id": TEXT, "created": pl.Int64}),
    },
    "form_submissions": {"values": VALUE},
    "webinars": {"topic": TEXT, "join_url": TEXT, "start_time": TEXT, "duration": pl.Int64},
    "instances": {"start_time": TEXT, "end_time": TEXT},
    "registrants": dict.fromkeys(("email", "first_name", "last_name", "status", "create_time"), TEXT),
    "participants": dict.fromkeys(("name", "user_email", "registrant_id", "status", "join_time", "leave_time"), TEXT),
}


def parsed(name: str, files: Sequence[str]) -> pl.LazyFrame:
    """Return a stream with the fields that are needed of its JSON."""
    told = pl.col("payload").str.json_decode(pl.Struct(SHAPES[name])).alias("told")
    return pl.scan_parquet(list(files)).select(*BASE, told).unnest("told")


def field(path: str) -> pl.Expr:
    """Return one field of the JSON."""
    first, *others = path.split(".")
    found = pl.col(first)
    for name in others:
        found = found.list.first() if name == "0" else found.struct.field(name)
    return found


def address(text: pl.Expr) -> pl.Expr:
    """Return an address as it is compared."""
    return text.str.strip_chars().str.to_lowercase()


def moment(text: pl.Expr) -> pl.Expr:
    """Read an instant."""
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def last(frame: pl.LazyFrame, by: str | list[str] = "key") -> pl.LazyFrame:
    """Return the latest row of each key."""
    return frame.sort("occurred_at", "observed_at").unique(by, keep="last")


def key_of(text: str) -> int:
    """Return the number under which somebody stands who is no contact."""
    return -int(md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)


def union(frame: pl.LazyFrame, by: list[str]) -> pl.LazyFrame:
    """Return the time that intervals cover together."""
    ordered = frame.sort("start_us", "end_us")
    before = pl.col("end_us").cum_max().shift(1).over(by)
    gain = pl.col("end_us") - pl.max_horizontal("start_us", before.fill_null(pl.col("start_us")))
    return (
        ordered.with_columns(pl.max_horizontal(gain, pl.lit(0)).alias("gain"))
        .group_by(by)
        .agg(pl.col("start_us").min(), pl.col("end_us").max(), pl.col("gain").sum())
    )


def build(deliveries: Mapping[str, Sequence[str]], as_of: datetime, out: Path) -> None:
    """Compute the published tables, and write each as a Parquet file below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    raw = {name: parsed(name, files) for name, files in deliveries.items() if name in SHAPES}
    now = pl.lit(as_of).cast(pl.Datetime("us", "UTC"))
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    since_30d, since_1y = midnight - timedelta(days=30), year_before(midnight)

    def kept(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.collect(engine="streaming").lazy()

    contacts = kept(
        last(raw["contacts"].filter(pl.col("occurred_at") <= now)).select(
            pl.col("key").cast(pl.Int64).alias("contact_id"),
            address(field("properties.email")).alias("email"),
            field("propertiesWithHistory.hs_sales_email_last_opened.0.value").alias("opened"),
        )
    )
    events = kept(
        raw["email_events"]
        .filter(pl.col("occurred_at") < now)
        .unique("key", keep="any")
        .select(
            field("type").alias("type"),
            address(field("recipient")).alias("email"),
            field("emailCampaignId").alias("campaign_id"),
            field("filteredEvent").alias("is_bot"),
            field("id").alias("id"),
            field("created").alias("created"),
            field("sentBy.id").alias("sent_id"),
            field("sentBy.created").alias("sent_created"),
            pl.col("occurred_at").alias("happened_at"),
        )
    )
    forms = kept(
        raw["form_submissions"]
        .filter(pl.col("occurred_at") < now)
        .unique("key", keep="any")
        .select(address(field("values.0.value")).alias("email"), pl.col("occurred_at").alias("submitted_at"))
    )
    states = raw["webinars"].filter(pl.col("occurred_at") <= now)
    gone = last(states).filter(pl.col("kind") == "absent").select("key", pl.col("occurred_at").alias("absent_at"))
    planned = kept(
        last(states.filter(pl.col("kind") == "seen"))
        .join(gone, on="key", how="left")
        .select(
            pl.col("key").cast(pl.Int64).alias("webinar_id"),
            field("topic").alias("topic"),
            field("join_url").alias("join_url"),
            moment(field("start_time")).alias("scheduled_start_at"),
            (moment(field("start_time")) + pl.duration(minutes=field("duration"))).alias("scheduled_end_at"),
            pl.col("absent_at"),
        )
    )
    sessions = kept(
        last(raw["instances"])
        .select(
            pl.col("key").alias("uuid"),
            pl.col("scope").cast(pl.Int64).alias("webinar_id"),
            moment(field("start_time")).dt.epoch("us").alias("start_us"),
            moment(field("end_time")).dt.epoch("us").alias("end_us"),
        )
        .filter(pl.col("end_us") <= now.dt.epoch("us"))
    )
    actual = union(sessions, ["webinar_id"]).rename(
        {"start_us": "actual_start", "end_us": "actual_end", "gain": "actual_us"}
    )
    occurrences = kept(
        planned.join(actual, on="webinar_id", how="left").with_columns(
            pl.when(pl.col("actual_start").is_not_null())
            .then(pl.lit("ended"))
            .when(pl.col("scheduled_start_at") > pl.col("absent_at"))
            .then(pl.lit("cancelled"))
            .when(pl.col("scheduled_end_at") < now)
            .then(pl.lit("never_started"))
            .otherwise(pl.lit("scheduled"))
            .alias("status"),
            pl.from_epoch("actual_start", time_unit="us").dt.replace_time_zone("UTC").alias("actual_start_at"),
            pl.from_epoch("actual_end", time_unit="us").dt.replace_time_zone("UTC").alias("actual_end_at"),
            pl.col("actual_us").fill_null(0),
        )
    )
    told = kept(
        raw["registrants"]
        .filter(pl.col("occurred_at") <= now)
        .with_columns(
            pl.col("scope").cast(pl.Int64).alias("webinar_id"),
            pl.col("key").str.split("|").list.get(1).alias("registrant_id"),
            address(field("email")).alias("email"),
            field("first_name").alias("first_name"),
            field("last_name").alias("last_name"),
            field("status").alias("status"),
            moment(field("create_time")).alias("registered_at"),
        )
        .drop("create_time", "scope")
    )
    is_standing = (pl.col("kind") == "seen") & pl.col("status").is_in(["approved", "pending"])
    last_told = last(told).select("key", is_standing.alias("is_standing"), pl.col("occurred_at").alias("last_at"))
    stood = (
        told.filter(pl.col("kind") == "seen")
        .group_by("key")
        .agg(pl.col("status").is_in(["approved", "pending"]).any().alias("has_stood"))
    )
    registrants = kept(
        last(told.filter(pl.col("kind") == "seen"))
        .drop("kind", "status", "occurred_at", "observed_at")
        .join(last_told, on="key")
        .join(stood, on="key")
        .filter(pl.col("registered_at") < now)
        .with_columns(
            pl.when(~pl.col("is_standing")).then(pl.max_horizontal("last_at", "registered_at")).alias("left_at")
        )
    )
    registrations = kept(
        registrants.filter("has_stood")
        .sort("registered_at")
        .group_by("webinar_id", "email")
        .agg(
            pl.col("registered_at").min().alias("first_registered_at"),
            pl.col("registered_at").max(),
            pl.when(~pl.col("is_standing").any()).then(pl.col("left_at").max()).alias("cancelled_at"),
            pl.col("first_name").last(),
            pl.col("last_name").last(),
        )
        .with_columns(pl.col("cancelled_at").cast(pl.Datetime("us", "UTC")))
    )
    connections = kept(
        last(raw["participants"])
        .select(
            pl.col("scope").alias("uuid"),
            field("name").alias("name"),
            address(field("user_email")).alias("own_email"),
            field("registrant_id").alias("registrant_id"),
            (field("status") == "in_waiting_room").alias("is_waiting"),
            moment(field("join_time")).dt.epoch("us").alias("joined_us"),
            moment(field("leave_time")).dt.epoch("us").alias("left_us"),
        )
        .join(sessions, on="uuid")
        .join(
            registrants.select("webinar_id", "registrant_id", pl.col("email").alias("registered_email")),
            on=["webinar_id", "registrant_id"],
            how="left",
        )
        .select(
            "webinar_id",
            "name",
            pl.when(pl.col("registered_email").is_not_null())
            .then("registered_email")
            .when(pl.col("own_email") != "")
            .then("own_email")
            .alias("email"),
            "is_waiting",
            pl.max_horizontal("joined_us", "start_us").alias("start_us"),
            pl.min_horizontal("left_us", "end_us").alias("end_us"),
        )
        .with_columns(
            pl.when("is_waiting")
            .then(pl.lit("waiting_room"))
            .when(pl.col("email").is_null())
            .then(pl.lit("participant_without_email"))
            .when(pl.col("end_us") <= pl.col("start_us"))
            .then(pl.lit("no_overlap"))
            .alias("reason")
        )
    )
    counting = connections.filter(pl.col("reason").is_null())
    us = pl.col("gain").cast(pl.Int128)
    length = pl.col("actual_us").cast(pl.Int128)
    attendances = kept(
        union(counting.select("webinar_id", "email", "start_us", "end_us"), ["webinar_id", "email"])
        .join(occurrences.select("webinar_id", "actual_us"), on="webinar_id")
        .filter((pl.col("gain") > 0) & (pl.col("actual_us") > 0))
        .select(
            "webinar_id",
            "email",
            pl.from_epoch("start_us", time_unit="us").dt.replace_time_zone("UTC").alias("joined_at"),
            pl.from_epoch("end_us", time_unit="us").dt.replace_time_zone("UTC").alias("left_at"),
            pl.col("gain").alias("attended_us"),
            ((us * PPQ + length // 2) // length).cast(pl.Int64).alias("attended_ppq"),
        )
    )
    met = kept(
        pl.concat([registrations.select("email"), attendances.select("email")])
        .unique()
        .join(contacts.select("email", "contact_id"), on="email", how="left")
    ).collect()
    strangers = met.filter(pl.col("contact_id").is_null())["email"]
    numbers = pl.LazyFrame(
        {"email": strangers, "number": [key_of(text) for text in strangers]}, schema_overrides={"number": pl.Int64}
    )
    people = kept(
        met.lazy()
        .join(numbers, on="email", how="left")
        .select("email", "contact_id", pl.coalesce("contact_id", "number").alias("subject_key"))
    )
    _published(
        out,
        as_of,
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


def _published(
    out: Path,
    as_of: datetime,
    since_30d: datetime,
    since_1y: datetime,
    contacts: pl.LazyFrame,
    events: pl.LazyFrame,
    forms: pl.LazyFrame,
    occurrences: pl.LazyFrame,
    registrations: pl.LazyFrame,
    connections: pl.LazyFrame,
    attendances: pl.LazyFrame,
    people: pl.LazyFrame,
) -> None:
    from benchmarks.peers import polars_marts as marts
    from benchmarks.peers import polars_sync as sync

    parts = marts.participations(as_of, occurrences, registrations, attendances)
    zoom = marts.zoom_metrics(since_30d, since_1y, registrations, attendances, people)
    crm = marts.crm_metrics(as_of, since_30d, since_1y, contacts, events, forms, people)
    metrics = marts.contact_metrics(zoom, crm, occurrences).collect(engine="streaming").lazy()
    joined = parts.join(people, on="email").collect(engine="streaming").lazy()
    tables = {
        "contact_metrics": metrics,
        "contact_webinars": marts.contact_webinars(joined),
        "contact_timeline": marts.contact_timeline(joined, registrations.join(people, on="email"), occurrences),
        "webinars": marts.webinars(parts, connections, occurrences),
        "sync_hubspot_contacts": sync.sync_contacts(contacts, people, zoom, metrics, occurrences, connections),
        "sync_hubspot_attendances": sync.sync_attendances(joined),
    }
    for name, frame in tables.items():
        frame.sink_parquet(out / f"{name}.parquet", compression="zstd")
