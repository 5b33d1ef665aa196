"""The published tables as frames of pandas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

Frame = pd.DataFrame
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


def publish(
    out: Path,
    now: pd.Timestamp,
    since_30d: pd.Timestamp,
    since_1y: pd.Timestamp,
    contacts: Frame,
    events: Frame,
    forms: Frame,
    occurrences: Frame,
    registrations: Frame,
    connections: Frame,
    attendances: Frame,
    people: Frame,
) -> None:
    """Compute the tables, and write each."""
    parts = _participations(now, occurrences, registrations, attendances)
    zoom = _zoom(since_30d, since_1y, registrations.merge(people, on="email"), attendances.merge(people, on="email"))
    crm = _crm(now, since_30d, since_1y, contacts, events, forms, people)
    metrics = _metrics(zoom, crm, occurrences)
    joined = parts.merge(people, on="email")
    tables = {
        "contact_metrics": metrics,
        "contact_webinars": _contact_webinars(joined),
        "contact_timeline": _timeline(joined, registrations.merge(people, on="email"), occurrences),
        "webinars": _webinars(parts, connections, occurrences),
        "sync_hubspot_contacts": _sync_contacts(contacts, people, zoom, metrics, occurrences, connections),
        "sync_hubspot_attendances": _sync_attendances(joined),
    }
    for name, frame in tables.items():
        frame.to_parquet(out / f"{name}.parquet", index=False, compression="zstd")


def _participations(now: pd.Timestamp, occurrences: Frame, registrations: Frame, attendances: Frame) -> Frame:
    end = occurrences["actual_end_at"]
    end = end.where(end.notna(), occurrences["scheduled_end_at"].where(occurrences["status"] == "never_started", now))
    registered = registrations.merge(occurrences[["webinar_id"]].assign(end_at=end), on="webinar_id")
    registered = registered[registered["first_registered_at"] < registered["end_at"]]
    columns = ["webinar_id", "email", "first_registered_at", "registered_at", "cancelled_at"]
    counts = attendances.astype({"attended_us": "Int64", "attended_ppq": "Int64"})
    parts = registered[columns].merge(counts, on=["webinar_id", "email"], how="outer")
    parts = parts.merge(occurrences[["webinar_id", "topic", "status"]], on="webinar_id")
    state = pd.Series("registered", index=parts.index)
    state = state.mask(parts["status"] == "ended", "no_show")
    state = state.mask(parts["cancelled_at"].notna(), "cancelled")
    parts["state"] = state.mask(parts["attended_us"].notna(), "attended")
    return parts


def _zoom(since_30d: pd.Timestamp, since_1y: pd.Timestamp, registrations: Frame, attendances: Frame) -> Frame:
    came = attendances.sort_values(["joined_at", "webinar_id"])
    came = came.assign(
        in_30d=came["webinar_id"].where(came["joined_at"] >= since_30d),
        in_1y=came["webinar_id"].where(came["joined_at"] >= since_1y),
    )
    attended = came.groupby("subject_key", as_index=False).agg(
        occurrences_attended=("webinar_id", "size"),
        webinars_attended=("webinar_id", "nunique"),
        webinars_attended_30d=("in_30d", "nunique"),
        webinars_attended_1y=("in_1y", "nunique"),
        total_ppq=("attended_ppq", "sum"),
        first_joined_at=("joined_at", "min"),
        first_joined_webinar_id=("webinar_id", "first"),
        last_joined_at=("joined_at", "max"),
    )
    count = attended["occurrences_attended"]
    attended["avg_attended_hundredths"] = (2 * attended["total_ppq"] + count * 100_000_000_001) // (
        2 * count * 100_000_000_000
    )
    mine = registrations.sort_values(["registered_at", "webinar_id"])
    registered = mine.groupby("subject_key", as_index=False).agg(
        webinars_registered=("webinar_id", "nunique"),
        last_registered_webinar_id=("webinar_id", "last"),
        last_registered_at=("registered_at", "max"),
        first_registered_at=("first_registered_at", "min"),
        first_name=("first_name", "last"),
        last_name=("last_name", "last"),
    )
    first = registrations.sort_values(["first_registered_at", "webinar_id"]).groupby("subject_key", as_index=False)
    first = first.agg(first_registered_webinar_id=("webinar_id", "first"))
    registered = registered.merge(first, on="subject_key")
    whole = {
        name: "Int64"
        for name in (
            "occurrences_attended",
            "webinars_attended",
            "webinars_attended_30d",
            "webinars_attended_1y",
            "avg_attended_hundredths",
            "first_joined_webinar_id",
        )
    }
    ids = ("webinars_registered", "last_registered_webinar_id", "first_registered_webinar_id")
    both = attended.astype(whole).merge(
        registered.astype({name: "Int64" for name in ids}), on="subject_key", how="outer"
    )
    is_walk_in = (both["first_joined_at"] < both["first_registered_at"]) | both["first_registered_at"].isna()
    both["first_webinar_id"] = both["first_registered_webinar_id"].mask(is_walk_in, both["first_joined_webinar_id"])
    both["last_zoom_at"] = both[["last_joined_at", "last_registered_at"]].max(axis=1)
    return both


def _crm(
    now: pd.Timestamp,
    since_30d: pd.Timestamp,
    since_1y: pd.Timestamp,
    contacts: Frame,
    events: Frame,
    forms: Frame,
    people: Frame,
) -> Frame:
    mine = contacts[["email", "contact_id"]].rename(columns={"contact_id": "subject_key"})
    whose = pd.concat([mine, people[people["contact_id"].isna()][["email", "subject_key"]]])
    sent = events[events["type"] == "SENT"]
    sent = pd.DataFrame({"sent_key": sent["key"], "sent_to": sent["email"]})
    touches = events[events["type"].isin(["OPEN", "CLICK"]) & ~events["is_bot"]]
    touches = touches.assign(sent_key=touches["sent_id"] + "|" + touches["sent_created"].astype("int64").astype("str"))
    touches = touches.merge(sent, on="sent_key", how="left")
    touches["email"] = touches["sent_to"].where(touches["sent_to"].notna(), touches["email"])
    touches = touches[["email", "campaign_id", "type", "occurred_at"]].merge(whose, on="email")
    by = ["subject_key", "campaign_id"]
    opened = touches[touches["type"] == "OPEN"].groupby(by, as_index=False).agg(opened_at=("occurred_at", "max"))
    clicked = touches[touches["type"] == "CLICK"].groupby(by, as_index=False).agg(clicked_at=("occurred_at", "max"))
    emails = opened.merge(clicked, on=by, how="outer")
    emails = emails.assign(
        emails_opened_30d=emails["opened_at"] >= since_30d,
        emails_opened_1y=emails["opened_at"] >= since_1y,
        emails_clicked_30d=emails["clicked_at"] >= since_30d,
        emails_clicked_1y=emails["clicked_at"] >= since_1y,
        last_email_at=emails[["opened_at", "clicked_at"]].max(axis=1),
    )
    sums = {
        name: (name, "sum")
        for name in ("emails_opened_30d", "emails_opened_1y", "emails_clicked_30d", "emails_clicked_1y")
    }
    emails = emails.groupby("subject_key", as_index=False).agg(**sums, last_email_at=("last_email_at", "max"))
    mine = forms.merge(whose, on="email")
    mine = mine.assign(
        forms_submitted_30d=mine["occurred_at"] >= since_30d, forms_submitted_1y=mine["occurred_at"] >= since_1y
    )
    sent_in = mine.groupby("subject_key", as_index=False).agg(
        forms_submitted_30d=("forms_submitted_30d", "sum"),
        forms_submitted_1y=("forms_submitted_1y", "sum"),
        last_form_at=("occurred_at", "max"),
    )
    sales = contacts[contacts["opened"].notna() & (contacts["opened"] < now)][["contact_id", "opened"]]
    sales = sales.rename(columns={"contact_id": "subject_key", "opened": "last_sales_at"})
    found = emails.merge(sent_in, on="subject_key", how="outer").merge(sales, on="subject_key", how="outer")
    found["last_crm_at"] = found[["last_email_at", "last_form_at", "last_sales_at"]].max(axis=1)
    return found[found["last_crm_at"].notna()]


def _metrics(zoom: Frame, crm: Frame, occurrences: Frame) -> Frame:
    both = zoom.merge(crm, on="subject_key", how="outer")
    links = occurrences[["webinar_id", "join_url"]].rename(
        columns={"webinar_id": "last_registered_webinar_id", "join_url": "last_registration_url"}
    )
    both = both.merge(
        links.astype({"last_registered_webinar_id": "Int64"}), on="last_registered_webinar_id", how="left"
    )
    for name in ZEROES:
        both[name] = both[name].fillna(0).astype("int64")
    both["contact_id"] = both["subject_key"].astype("Int64").where(both["subject_key"] > 0)
    both["avg_attendance_pct"] = both["avg_attended_hundredths"] / 100
    both["last_activity_at"] = both[["last_zoom_at", "last_crm_at"]].max(axis=1)
    columns = ["subject_key", "contact_id", "avg_attendance_pct", "avg_attended_hundredths", *ZEROES]
    return both[
        [*columns, "last_registered_webinar_id", "last_registered_at", "last_activity_at", "last_registration_url"]
    ]


def _contact_webinars(joined: Frame) -> Frame:
    return pd.DataFrame(
        {
            "subject_key": joined["subject_key"],
            "contact_id": joined["contact_id"],
            "webinar_id": joined["webinar_id"],
            "occurrence_id": "",
            "external_event_id": joined["webinar_id"].astype("str"),
            "topic": joined["topic"],
            "state": joined["state"],
            "first_registered_at": joined["first_registered_at"],
            "registered_at": joined["registered_at"],
            "cancelled_at": joined["cancelled_at"],
            "joined_at": joined["joined_at"],
            "left_at": joined["left_at"],
            "attended_seconds": joined["attended_us"] // 1_000_000,
            "attendance_pct": ((joined["attended_ppq"] + 50_000_000_000) // 100_000_000_000) / 100,
        }
    )


def _timeline(joined: Frame, registered: Frame, occurrences: Frame) -> Frame:
    one = registered.merge(occurrences[["webinar_id", "topic"]], on="webinar_id")
    one = one.assign(entry_type="webinar_registered", happened_at=one["registered_at"])
    other = joined[joined["state"] == "attended"]
    other = other.assign(
        entry_type="webinar_attended",
        happened_at=other["joined_at"],
        attended_seconds=other["attended_us"] // 1_000_000,
    )
    columns = ["subject_key", "contact_id", "entry_type", "webinar_id", "topic", "happened_at"]
    both = pd.concat([one[columns], other[[*columns, "joined_at", "left_at", "attended_seconds"]]])
    return both.assign(occurrence_id="")


def _webinars(parts: Frame, connections: Frame, occurrences: Frame) -> Frame:
    people = parts.assign(
        registered_count=parts["first_registered_at"].notna(),
        **{f"{state}_count": parts["state"] == state for state in ("attended", "cancelled", "no_show")},
    )
    counts = ["registered_count", "attended_count", "cancelled_count", "no_show_count"]
    people = people.groupby("webinar_id", as_index=False)[counts].sum()
    excluded = connections["email"].where(connections["reason"].isin(["waiting_room", "no_overlap"]))
    rows = connections.assign(anonymous=connections["reason"] == "participant_without_email", excluded=excluded)
    rows = rows.groupby("webinar_id", as_index=False).agg(
        connection_count=("name", "size"),
        anonymous_connection_count=("anonymous", "sum"),
        excluded_count=("excluded", "nunique"),
    )
    found = occurrences.merge(people, on="webinar_id", how="left").merge(rows, on="webinar_id", how="left")
    counts += ["connection_count", "anonymous_connection_count", "excluded_count"]
    found[counts] = found[counts].fillna(0).astype("int64")
    found["actual_seconds"] = found["actual_us"] // 1_000_000
    found["occurrence_id"] = ""
    found["external_event_id"] = found["webinar_id"].astype("str")
    found["out_of_scope_reason"] = pd.Series(None, index=found.index, dtype="str")
    times = ["scheduled_start_at", "scheduled_end_at", "actual_start_at", "actual_end_at"]
    names = ["webinar_id", "occurrence_id", "external_event_id", "topic", "status", "out_of_scope_reason"]
    return found[[*names, *times, "actual_seconds", *counts]]


def _ms(column: pd.Series) -> pd.Series:
    return column.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"


def _sync_contacts(
    contacts: Frame, people: Frame, zoom: Frame, metrics: Frame, occurrences: Frame, connections: Frame
) -> Frame:
    known = pd.DataFrame({"subject_key": contacts["contact_id"], "email": contacts["email"]})
    known["object_key"] = known["vendor_id"] = known["subject_key"].astype("str")
    known["reason"] = pd.Series("no_activity", index=known.index).where(
        ~known["subject_key"].isin(metrics["subject_key"])
    )
    met = (
        connections[connections["reason"].isna()]
        .sort_values("start_us")
        .groupby("email", as_index=False)
        .agg(name=("name", "last"))
    )
    topics = (
        occurrences[["webinar_id", "topic"]]
        .rename(columns={"webinar_id": "first_webinar_id"})
        .astype({"first_webinar_id": "Int64"})
    )
    new = (
        people[people["contact_id"].isna()]
        .merge(zoom, on="subject_key")
        .merge(topics, on="first_webinar_id", how="left")
    )
    new = new.merge(met, on="email", how="left")
    name = new["name"].fillna("")
    given = name.str.split(" ").str[0]
    has_first = new["first_name"].fillna("") != ""
    rest = pd.Series(
        [text[len(first) + 1 :].strip() for text, first in zip(name, given, strict=True)], index=new.index, dtype="str"
    )
    newcomers = pd.DataFrame(
        {
            "subject_key": new["subject_key"],
            "email": new["email"],
            "object_key": new["email"],
            "firstname": new["first_name"].where(has_first, given),
            "lastname": new["last_name"].where(has_first, rest),
            "turnout_source": "Zoom: " + new["topic"],
        }
    )
    both = pd.concat([known, newcomers]).merge(metrics, on="subject_key", how="left")
    for column in ("firstname", "lastname"):
        both[column] = both[column].where(both[column] != "")
    both["turnout_avg_attendance_pct"] = (
        both["avg_attendance_pct"].map("{:.2f}".format, na_action="ignore").astype("str")
    )
    for column in ZEROES:
        both[f"turnout_{column}"] = both[column].fillna(0).astype("int64").astype("str")
    both["turnout_last_registered_webinar_url"] = pd.Series(None, index=both.index, dtype="str")
    both["turnout_last_registration_url"] = both["last_registration_url"]
    both["turnout_last_registration_at"] = _ms(both["last_registered_at"])
    both["turnout_last_activity_at"] = _ms(both["last_activity_at"])
    told = ["object_key", "vendor_id", "reason", "email", "firstname", "lastname", "turnout_source"]
    return both[[*told, *(name for name in both.columns if name.startswith("turnout_") and name != "turnout_source")]]


def _sync_attendances(joined: Frame) -> Frame:
    ids = joined["contact_id"].astype("str").where(joined["contact_id"].notna())
    key = ids.where(ids.notna(), joined["email"])
    registered = joined["registered_at"].astype("datetime64[ms, UTC]")
    later = pd.concat(
        [joined["cancelled_at"].astype(registered.dtype), registered + pd.Timedelta(milliseconds=1)], axis=1
    ).max(axis=1)
    left = pd.concat([joined["left_at"], joined["joined_at"] + pd.Timedelta(milliseconds=1)], axis=1).max(axis=1)
    steps = {
        "register": (joined["first_registered_at"].notna(), registered),
        "cancel": (joined["state"] == "cancelled", later),
        "attend": (joined["state"] == "attended", joined["joined_at"]),
    }
    frames = []
    for step, (which, when) in steps.items():
        event = joined.loc[which, "webinar_id"].astype("str")
        frame = pd.DataFrame(
            {
                "object_key": event + "|" + key[which] + "|" + step,
                "vendor_id": ids[which],
                "reason": pd.Series(None, index=event.index, dtype="str"),
                "external_event_id": event,
                "external_account_id": "kestrel-account",
                "email": joined.loc[which, "email"],
                "step": step,
                "interactionDateTime": when[which].astype("datetime64[ms, UTC]").astype("int64").astype("str"),
            }
        )
        if step == "attend":
            frame["joinedAt"], frame["leftAt"] = _ms(joined.loc[which, "joined_at"]), _ms(left[which])
        frames.append(frame)
    return pd.concat(frames)
