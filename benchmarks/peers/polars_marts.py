"""The published tables as lazy frames of Polars."""

from __future__ import annotations

from datetime import datetime

import polars as pl

MS = "%Y-%m-%dT%H:%M:%S%.3fZ"


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def participations(
    as_of: datetime, occurrences: pl.LazyFrame, registrations: pl.LazyFrame, attendances: pl.LazyFrame
) -> pl.LazyFrame:
    """Each person's state in each webinar."""
    end = (
        pl.when(pl.col("actual_end_at").is_not_null())
        .then("actual_end_at")
        .when(pl.col("status") == "never_started")
        .then("scheduled_end_at")
        .otherwise(pl.lit(as_of).cast(pl.Datetime("us", "UTC")))
    )
    registered = registrations.join(occurrences.select("webinar_id", end.alias("end_at")), on="webinar_id").filter(
        pl.col("first_registered_at") < pl.col("end_at")
    )
    return (
        registered.select("webinar_id", "email", "first_registered_at", "registered_at", "cancelled_at")
        .join(attendances, on=["webinar_id", "email"], how="full", coalesce=True)
        .join(occurrences.select("webinar_id", "topic", "status"), on="webinar_id")
        .with_columns(
            pl.when(pl.col("attended_us").is_not_null())
            .then(pl.lit("attended"))
            .when(pl.col("cancelled_at").is_not_null())
            .then(pl.lit("cancelled"))
            .when(pl.col("status") == "ended")
            .then(pl.lit("no_show"))
            .otherwise(pl.lit("registered"))
            .alias("state")
        )
        .collect(engine="streaming")
        .lazy()
    )


def zoom_metrics(
    since_30d: datetime,
    since_1y: datetime,
    registrations: pl.LazyFrame,
    attendances: pl.LazyFrame,
    people: pl.LazyFrame,
) -> pl.LazyFrame:
    """What a person's webinars add up to."""
    count = pl.len().cast(pl.Int128)
    attended = (
        attendances.join(people, on="email")
        .sort("joined_at", "webinar_id")
        .group_by("subject_key")
        .agg(
            pl.len().cast(pl.Int64).alias("occurrences_attended"),
            pl.col("webinar_id").n_unique().cast(pl.Int64).alias("webinars_attended"),
            pl.col("webinar_id")
            .filter(pl.col("joined_at") >= since_30d)
            .n_unique()
            .cast(pl.Int64)
            .alias("webinars_attended_30d"),
            pl.col("webinar_id")
            .filter(pl.col("joined_at") >= since_1y)
            .n_unique()
            .cast(pl.Int64)
            .alias("webinars_attended_1y"),
            (
                (2 * pl.col("attended_ppq").cast(pl.Int128).sum() + count * 100_000_000_001)
                // (2 * count * 100_000_000_000)
            )
            .cast(pl.Int64)
            .alias("avg_attended_hundredths"),
            pl.col("joined_at").min().alias("first_joined_at"),
            pl.col("webinar_id").first().alias("first_joined_webinar_id"),
            pl.col("joined_at").max().alias("last_joined_at"),
        )
    )
    mine = registrations.join(people, on="email")
    registered = (
        mine.sort("registered_at", "webinar_id")
        .group_by("subject_key")
        .agg(
            pl.col("webinar_id").n_unique().cast(pl.Int64).alias("webinars_registered"),
            pl.col("webinar_id").last().alias("last_registered_webinar_id"),
            pl.col("registered_at").max().alias("last_registered_at"),
            pl.col("first_registered_at").min().alias("first_registered_at"),
            pl.col("first_name").last(),
            pl.col("last_name").last(),
        )
    )
    first = (
        mine.sort("first_registered_at", "webinar_id")
        .group_by("subject_key")
        .agg(pl.col("webinar_id").first().alias("first_registered_webinar_id"))
    )
    is_walk_in = (pl.col("first_joined_at") < pl.col("first_registered_at")) | pl.col("first_registered_at").is_null()
    return (
        attended.join(registered.join(first, on="subject_key"), on="subject_key", how="full", coalesce=True)
        .with_columns(
            pl.when(is_walk_in)
            .then("first_joined_webinar_id")
            .otherwise("first_registered_webinar_id")
            .alias("first_webinar_id"),
            pl.max_horizontal("last_joined_at", "last_registered_at").alias("last_zoom_at"),
        )
        .collect(engine="streaming")
        .lazy()
    )


def crm_metrics(
    as_of: datetime,
    since_30d: datetime,
    since_1y: datetime,
    contacts: pl.LazyFrame,
    events: pl.LazyFrame,
    forms: pl.LazyFrame,
    people: pl.LazyFrame,
) -> pl.LazyFrame:
    """What a person's emails, forms and sales contacts add up to."""
    whose = pl.concat(
        [
            contacts.select("email", pl.col("contact_id").alias("subject_key")),
            people.filter(pl.col("contact_id").is_null()).select("email", "subject_key"),
        ]
    )
    sent = events.filter(pl.col("type") == "SENT").select(
        pl.col("id").alias("sent_id"), pl.col("created").alias("sent_created"), pl.col("email").alias("sent_to")
    )
    emails = (
        events.filter(pl.col("type").is_in(["OPEN", "CLICK"]) & ~pl.col("is_bot"))
        .join(sent, on=["sent_id", "sent_created"], how="left")
        .select(pl.coalesce("sent_to", "email").alias("email"), "campaign_id", "type", "happened_at")
        .join(whose, on="email")
        .group_by("subject_key", "campaign_id")
        .agg(
            pl.col("happened_at").filter(pl.col("type") == "OPEN").max().alias("opened_at"),
            pl.col("happened_at").filter(pl.col("type") == "CLICK").max().alias("clicked_at"),
        )
        .group_by("subject_key")
        .agg(
            (pl.col("opened_at") >= since_30d).sum().cast(pl.Int64).alias("emails_opened_30d"),
            (pl.col("opened_at") >= since_1y).sum().cast(pl.Int64).alias("emails_opened_1y"),
            (pl.col("clicked_at") >= since_30d).sum().cast(pl.Int64).alias("emails_clicked_30d"),
            (pl.col("clicked_at") >= since_1y).sum().cast(pl.Int64).alias("emails_clicked_1y"),
            pl.max_horizontal(pl.col("opened_at").max(), pl.col("clicked_at").max()).alias("last_email_at"),
        )
    )
    sent_in = (
        forms.join(whose, on="email")
        .group_by("subject_key")
        .agg(
            (pl.col("submitted_at") >= since_30d).sum().cast(pl.Int64).alias("forms_submitted_30d"),
            (pl.col("submitted_at") >= since_1y).sum().cast(pl.Int64).alias("forms_submitted_1y"),
            pl.col("submitted_at").max().alias("last_form_at"),
        )
    )
    sales = (
        contacts.filter(pl.col("opened").is_not_null())
        .select(
            pl.col("contact_id").alias("subject_key"),
            pl.col("opened")
            .str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
            .alias("last_sales_at"),
        )
        .filter(pl.col("last_sales_at") < as_of)
    )
    return (
        emails.join(sent_in, on="subject_key", how="full", coalesce=True)
        .join(sales, on="subject_key", how="full", coalesce=True)
        .with_columns(pl.max_horizontal("last_email_at", "last_form_at", "last_sales_at").alias("last_crm_at"))
        .filter(pl.col("last_crm_at").is_not_null())
    )


ZEROES = [
    "webinars_registered",
    "webinars_attended",
    "occurrences_attended",
    "webinars_attended_30d",
    "webinars_attended_1y",
    "emails_opened_30d",
    "emails_opened_1y",
    "emails_clicked_30d",
    "emails_clicked_1y",
    "forms_submitted_30d",
    "forms_submitted_1y",
]


def contact_metrics(zoom: pl.LazyFrame, crm: pl.LazyFrame, occurrences: pl.LazyFrame) -> pl.LazyFrame:
    """What each person's activity adds up to."""
    return (
        zoom.join(crm, on="subject_key", how="full", coalesce=True)
        .join(
            occurrences.select(
                pl.col("webinar_id").alias("last_registered_webinar_id"),
                pl.col("join_url").alias("last_registration_url"),
            ),
            on="last_registered_webinar_id",
            how="left",
        )
        .select(
            "subject_key",
            pl.when(pl.col("subject_key") > 0).then("subject_key").alias("contact_id"),
            (pl.col("avg_attended_hundredths").cast(pl.Decimal(12, 2)) / 100)
            .cast(pl.Decimal(5, 2))
            .alias("avg_attendance_pct"),
            "avg_attended_hundredths",
            *(pl.col(name).fill_null(0) for name in ZEROES),
            "last_registered_webinar_id",
            "last_registered_at",
            pl.max_horizontal("last_zoom_at", "last_crm_at").alias("last_activity_at"),
            "last_registration_url",
        )
    )


def contact_webinars(joined: pl.LazyFrame) -> pl.LazyFrame:
    """Each person's part in each webinar."""
    hundredths = (pl.col("attended_ppq") + 50_000_000_000) // 100_000_000_000
    return joined.select(
        "subject_key",
        "contact_id",
        "webinar_id",
        pl.lit("").alias("occurrence_id"),
        _text("webinar_id").alias("external_event_id"),
        "topic",
        "state",
        "first_registered_at",
        "registered_at",
        "cancelled_at",
        "joined_at",
        "left_at",
        (pl.col("attended_us") // 1_000_000).alias("attended_seconds"),
        (hundredths.cast(pl.Decimal(12, 2)) / 100).cast(pl.Decimal(5, 2)).alias("attendance_pct"),
    )


def contact_timeline(joined: pl.LazyFrame, registered: pl.LazyFrame, occurrences: pl.LazyFrame) -> pl.LazyFrame:
    """Registrations and attendances, one entry each."""
    never = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    one = registered.join(occurrences.select("webinar_id", "topic"), on="webinar_id").select(
        "subject_key",
        "contact_id",
        pl.lit("webinar_registered").alias("entry_type"),
        "webinar_id",
        pl.lit("").alias("occurrence_id"),
        "topic",
        pl.col("registered_at").alias("happened_at"),
        never.alias("joined_at"),
        never.alias("left_at"),
        pl.lit(None, dtype=pl.Int64).alias("attended_seconds"),
    )
    other = joined.filter(pl.col("state") == "attended").select(
        "subject_key",
        "contact_id",
        pl.lit("webinar_attended").alias("entry_type"),
        "webinar_id",
        pl.lit("").alias("occurrence_id"),
        "topic",
        pl.col("joined_at").alias("happened_at"),
        "joined_at",
        "left_at",
        (pl.col("attended_us") // 1_000_000).alias("attended_seconds"),
    )
    return pl.concat([one, other])


def webinars(parts: pl.LazyFrame, connections: pl.LazyFrame, occurrences: pl.LazyFrame) -> pl.LazyFrame:
    """How each webinar went."""
    people = parts.group_by("webinar_id").agg(
        pl.col("first_registered_at").is_not_null().sum().cast(pl.Int64).alias("registered_count"),
        (pl.col("state") == "attended").sum().cast(pl.Int64).alias("attended_count"),
        (pl.col("state") == "cancelled").sum().cast(pl.Int64).alias("cancelled_count"),
        (pl.col("state") == "no_show").sum().cast(pl.Int64).alias("no_show_count"),
    )
    is_excluded = pl.col("reason").is_in(["waiting_room", "no_overlap"])
    rows = connections.group_by("webinar_id").agg(
        pl.len().cast(pl.Int64).alias("connection_count"),
        (pl.col("reason") == "participant_without_email").sum().cast(pl.Int64).alias("anonymous_connection_count"),
        pl.col("email").filter(is_excluded).drop_nulls().n_unique().cast(pl.Int64).alias("excluded_count"),
    )
    counts = ["registered_count", "attended_count", "cancelled_count", "no_show_count"]
    counts += ["connection_count", "anonymous_connection_count", "excluded_count"]
    return (
        occurrences.join(people, on="webinar_id", how="left")
        .join(rows, on="webinar_id", how="left")
        .select(
            "webinar_id",
            pl.lit("").alias("occurrence_id"),
            _text("webinar_id").alias("external_event_id"),
            "topic",
            "status",
            pl.lit(None, dtype=pl.String).alias("out_of_scope_reason"),
            "scheduled_start_at",
            "scheduled_end_at",
            "actual_start_at",
            "actual_end_at",
            (pl.col("actual_us") // 1_000_000).alias("actual_seconds"),
            *(pl.col(name).fill_null(0) for name in counts),
        )
    )
