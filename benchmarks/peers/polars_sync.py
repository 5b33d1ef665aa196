"""What is to be sent, as lazy frames of Polars."""

from __future__ import annotations

import polars as pl

from benchmarks.peers.polars_marts import MS, ZEROES, _text


def sync_contacts(
    contacts: pl.LazyFrame,
    people: pl.LazyFrame,
    zoom: pl.LazyFrame,
    metrics: pl.LazyFrame,
    occurrences: pl.LazyFrame,
    connections: pl.LazyFrame,
) -> pl.LazyFrame:
    """What each contact should hold, and who should become one."""
    nothing = pl.lit(None, dtype=pl.String)
    known = contacts.select(
        pl.col("contact_id").alias("subject_key"),
        _text("contact_id").alias("object_key"),
        _text("contact_id").alias("vendor_id"),
        "email",
        nothing.alias("firstname"),
        nothing.alias("lastname"),
        nothing.alias("turnout_source"),
    ).join(metrics.select("subject_key", pl.lit(True).alias("is_active")), on="subject_key", how="left")
    known = known.with_columns(pl.when(pl.col("is_active").is_null()).then(pl.lit("no_activity")).alias("reason")).drop(
        "is_active"
    )
    met = connections.filter(pl.col("reason").is_null()).sort("start_us").group_by("email").agg(pl.col("name").last())
    name, has_first = pl.col("name").fill_null(""), pl.col("first_name").fill_null("") != ""
    given = name.str.split(" ").list.get(0, null_on_oob=True)
    newcomers = (
        people.filter(pl.col("contact_id").is_null())
        .join(zoom, on="subject_key")
        .join(
            occurrences.select(pl.col("webinar_id").alias("first_webinar_id"), "topic"),
            on="first_webinar_id",
            how="left",
        )
        .join(met, on="email", how="left")
        .select(
            "subject_key",
            pl.col("email").alias("object_key"),
            nothing.alias("vendor_id"),
            "email",
            pl.when(has_first).then("first_name").otherwise(given).alias("firstname"),
            pl.when(has_first)
            .then("last_name")
            .otherwise(name.str.slice(given.str.len_chars() + 1).str.strip_chars())
            .alias("lastname"),
            (pl.lit("Zoom: ") + pl.col("topic")).alias("turnout_source"),
            nothing.alias("reason"),
        )
    )
    both = pl.concat([known.select(newcomers.collect_schema().names()), newcomers]).join(
        metrics, on="subject_key", how="left"
    )

    def filled(column: str) -> pl.Expr:
        return pl.when(pl.col(column) != "").then(column).alias(column)

    return both.select(
        "object_key",
        "vendor_id",
        "reason",
        "email",
        filled("firstname"),
        filled("lastname"),
        "turnout_source",
        _text("avg_attendance_pct").alias("turnout_avg_attendance_pct"),
        *(pl.col(name).fill_null(0).cast(pl.String).alias(f"turnout_{name}") for name in ZEROES),
        nothing.alias("turnout_last_registered_webinar_url"),
        pl.col("last_registration_url").alias("turnout_last_registration_url"),
        pl.col("last_registered_at").dt.strftime(MS).alias("turnout_last_registration_at"),
        pl.col("last_activity_at").dt.strftime(MS).alias("turnout_last_activity_at"),
    )


def sync_attendances(joined: pl.LazyFrame) -> pl.LazyFrame:
    """Which marketing events each person is told to have registered for, cancelled or attended."""
    named = joined.with_columns(
        _text("contact_id").alias("vendor_id"), pl.coalesce(_text("contact_id"), "email").alias("contact_key")
    )
    registered_ms = pl.col("registered_at").dt.epoch("ms")
    steps = {
        "register": (pl.col("first_registered_at").is_not_null(), registered_ms),
        "cancel": (
            pl.col("state") == "cancelled",
            pl.max_horizontal(pl.col("cancelled_at").dt.epoch("ms"), registered_ms + 1),
        ),
        "attend": (pl.col("state") == "attended", pl.col("joined_at").dt.epoch("ms")),
    }
    nothing = pl.lit(None, dtype=pl.String)
    left = pl.max_horizontal("left_at", pl.col("joined_at") + pl.duration(milliseconds=1))
    return pl.concat(
        [
            named.filter(which).select(
                pl.concat_str([_text("webinar_id"), pl.col("contact_key"), pl.lit(step)], separator="|").alias(
                    "object_key"
                ),
                "vendor_id",
                nothing.alias("reason"),
                _text("webinar_id").alias("external_event_id"),
                pl.lit("kestrel-account").alias("external_account_id"),
                "email",
                pl.lit(step).alias("step"),
                when.cast(pl.String).alias("interactionDateTime"),
                (pl.col("joined_at").dt.strftime(MS) if step == "attend" else nothing).alias("joinedAt"),
                (left.dt.strftime(MS) if step == "attend" else nothing).alias("leftAt"),
            )
            for step, (which, when) in steps.items()
        ]
    )
