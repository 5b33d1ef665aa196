"""What happens in the made company of the benchmark, as SQL: each function is one stream's events of one span of time.

Every value is a function of a number (the n-th email sent, the n-th webinar, the i-th to register), through DuckDB's
`hash`, so any span can be made without those before it: memory stays bounded, and a day more is a day more.
The answers have the shape of the vendors' own; ids, times and people are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2023, 11, 20, tzinfo=UTC)
END = datetime(2026, 11, 20, tzinfo=UTC)
"""Three years; the day after it is the delta."""
SPAN_US = (END - START) // timedelta(microseconds=1)
PORTAL, ACCOUNT = "24681357", "kestrel-account"
FIRST = "Anna,Liam,Zoé,Mateo,Wei,Fatima,Søren,Yara,Łukasz,Grace,Jürgen,Nadia,Omar,Olivia,Sanjay,Aiko,Lars,Amélie,Thandiwe,Ivan"
LAST = "Müller,Tanaka,García,Okafor,Bianchi,Åkesson,Nguyễn,Dubois,Kowalska,Großmann,Mensah,Virtanen,Lefèvre,Horváth,Abdi,Araújo"
LOCAL = "anna,liam,zoe,mateo,wei,fatima,soren,yara,lukasz,grace,jurgen,nadia,omar,olivia,sanjay,aiko,lars,amelie,thandiwe,ivan"
DOMAIN = "example.com,example.org,river-optics.example,fjord-energy.example,zephyr-textiles.example,kelp-health.example,quartz-retail.example,cedar-labs.example,meadow-systems.example,willow-partners.example,grove-ventures.example"
TOPIC = "Pricing in Uncertain Times,A Tour of the New Dashboards,From Leads to Accounts,Attribution without Tears,Open Office Hours,Interrupted"


@dataclass(frozen=True)
class Size:
    """How much of everything there is in a company of about so many events."""

    events: int

    @property
    def people(self) -> int:
        """People met anywhere; one in twenty is no contact."""
        return max(self.events // 100, 200)

    @property
    def webinars(self) -> int:
        """Webinars in three years."""
        return max(self.events // 5000, 12)

    @property
    def sends(self) -> int:
        """Marketing emails sent; each leads to about 2.8 events."""
        return int(self.events * 0.21)

    @property
    def forms(self) -> int:
        """Forms sent in."""
        return int(self.events * 0.03)


def _list(text: str) -> str:
    return "[" + ", ".join(f"'{word}'" for word in text.split(",")) + "]"


def macros(size: Size) -> list[str]:
    """Return the statements that the streams' SQL stands on."""
    first, last, local, domain = map(_list, (FIRST, LAST, LOCAL, DOMAIN))
    return [
        "set timezone = 'UTC'",
        "create or replace macro u(n, salt) as hash(n, salt) / 18446744073709551616.0",
        f"create or replace macro person(x) as least(cast(floor({size.people} * x * x) as bigint), {size.people - 1})",
        "create or replace macro is_contact(p) as p % 20 <> 7",
        f"create or replace macro first_name(p) as {first}[1 + p % 20]",
        f"create or replace macro last_name(p) as {last}[1 + (p // 20) % 16]",
        f"create or replace macro email(p) as {local}[1 + p % 20] || p || '@' || {domain}[1 + (p // 7) % 11]",
        "create or replace macro untidy(text, x) as"
        " case when x < 0.015 then upper(text) when x < 0.03 then ' ' || text || ' ' else text end",
        "create or replace macro guid(text) as substr(md5(text), 1, 8) || '-' || substr(md5(text), 9, 4) || '-'"
        " || substr(md5(text), 13, 4) || '-' || substr(md5(text), 17, 8)",
        "create or replace macro short_id(text) as"
        " left(replace(replace(to_base64(unhex(md5(text))), '+', 'a'), '/', 'b'), 22)",
        "create or replace macro moment(us) as timezone('UTC', make_timestamp(cast(us as bigint)))",
        "create or replace macro sec(t) as strftime(t, '%Y-%m-%dT%H:%M:%SZ')",
        "create or replace macro ms(t) as strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ')",
    ]


def webinars(size: Size) -> str:
    """SQL that makes the table `webinar`: one row each, those of the month after the end too."""
    step = SPAN_US // size.webinars
    count = size.webinars + size.webinars * 40 // 1096 + 1
    start_us = _us(START)
    return f"""
        create or replace table webinar as
        select
            n as w, cast(84000000000 + n as varchar) as id, n % 8 as host,
            {_list(TOPIC)}[1 + n % 6] || ' #' || n as topic,
            case when n % 3 = 0 then 45 else 60 end as minutes,
            moment(start_us) as start_at,
            moment((start_us - cast((21 + 14 * u(n, 1)) * 86400 as bigint) * 1000000) // 1000000 * 1000000) as created_at,
            case when u(n, 2) < 0.02
                then moment((start_us - cast(86400 * 3 * u(n, 3) as bigint) * 1000000) // 1000000 * 1000000)
            end as cancelled_at
        from (select n, ({start_us} + n * {step}) // 900000000 * 900000000 as start_us from range({count}) as t(n))
    """


def sessions() -> str:
    """SQL that makes the table `session`: what ran; one webinar in 33 was interrupted and went on."""
    return """
        create or replace table session as
        with ran as (
            select *, start_at + to_seconds(cast(120 * u(w, 4) as integer)) as began_at,
                start_at + to_seconds(cast(minutes * 60 - 300 + 900 * u(w, 5) as integer)) as ended_at,
                u(w, 6) < 0.03 as is_interrupted
            from webinar where cancelled_at is null
        )
        select *, to_base64(unhex(md5('session ' || w || ' ' || part))) as uuid from (
            select w, id, host, topic, minutes, 1 as part, began_at,
                case when is_interrupted then began_at + interval 20 minute else ended_at end as ended_at
            from ran
            union all by name
            select w, id, host, topic, minutes, 2 as part, began_at + interval 25 minute as began_at, ended_at
            from ran where is_interrupted
        )
    """


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _numbers(begin: datetime, end: datetime, count: int) -> tuple[int, int, int]:
    """Return the first and last number of what is spread evenly over the three years, and its step in microseconds."""
    step = max(SPAN_US // count, 1)
    first = max(-(-(_us(begin) - _us(START)) // step), 0)
    return first, max(-(-(_us(end) - _us(START)) // step), first), step


def _within(column: str, begin: datetime, end: datetime) -> str:
    """Return the condition of a span; the first one also holds what was before."""
    since = "" if begin == START else f"{column} >= timestamptz '{begin.isoformat()}' and "
    return f"{since}{column} < timestamptz '{end.isoformat()}'"


def contacts(size: Size, begin: datetime, end: datetime) -> str:
    """Contacts as they are created, and some once more when they change; some with sales emails opened."""
    return f"""
        with born as (
            select p, moment(cast(case when u(p, 31) < 0.6 then {_us(START)} - {SPAN_US} * u(p, 31)
                else {_us(START)} + {SPAN_US + 86_400_000_000} * (u(p, 31) - 0.6) / 0.4 end as bigint) // 1000 * 1000) as created_at
            from range({size.people}) as t(p) where is_contact(p)
        ),
        told as (
            select p, created_at, created_at as told_at, false as is_changed from born
            union all
            select p, created_at, moment(cast({_us(START)} + {SPAN_US + 86_400_000_000} * u(p, 32) as bigint) // 1000 * 1000), true from born
            where u(p, 33) < 0.3 and {_us(START)} + {SPAN_US + 86_400_000_000} * u(p, 32) > epoch_us(created_at) + 60000000
        )
        select cast(50000000 + p as varchar) as key, '' as scope, 'seen' as kind, told_at as occurred_at,
            '{{"id":"' || (50000000 + p) || '","properties":{{"createdate":"' || ms(created_at) || '","email":"'
            || untidy(email(p), u(p, 34)) || '","firstname":"' || first_name(p) || '","hs_additional_emails":null,'
            || '"hs_calculated_merged_vids":null,"hs_merged_object_ids":null,"hs_object_id":"' || (50000000 + p)
            || '","lastmodifieddate":"' || ms(told_at) || '","lastname":"' || last_name(p) || '","salesforcecontactid":null,'
            || '"salesforceleadid":null}},"createdAt":"' || ms(created_at) || '","updatedAt":"' || ms(told_at)
            || '","archived":false,"propertiesWithHistory":{{"hs_document_last_revisited":[],'
            || '"hs_sales_email_last_clicked":[],"hs_sales_email_last_opened":['
            || case when is_changed and u(p, 35) < 0.2
                then '{{"value":"' || ms(told_at - interval 2 hour) || '","timestamp":"' || ms(told_at - interval 2 hour)
                    || '","sourceType":"EMAIL"}}'
                else '' end
            || ']}}}}' as payload
        from told where {_within("told_at", begin, end)}
    """


def email_events(size: Size, begin: datetime, end: datetime) -> str:
    """Emails sent, delivered, opened up to three times, clicked; bots among them, and some forwarded to others."""
    first, last, step = _numbers(begin - timedelta(days=15), end, size.sends)
    browser = '"browser":{"name":"Firefox","family":"Firefox"}'
    return f"""
        with sent as (
            select n, ({_us(START)} + n * {step}) // 1000 as sent_ms, person(u(n, 41)) as p,
                310000000 + n * 720 // {size.sends} * 13 as campaign
            from range({first}, {last}) as t(n)
        ),
        told as (
            select *, 'SENT' as type, sent_ms as at_ms, 0 as nth from sent
            union all by name
            select *, 'DELIVERED' as type, sent_ms + 900 + cast(4000 * u(n, 42) as bigint) as at_ms, 1 as nth
            from sent where u(n, 43) < 0.97
            union all by name
            select sent.*, 'OPEN' as type,
                sent_ms + 60000 + cast(pow(u(n, 44 + nth), 3) * 1209600000 as bigint) as at_ms, nth
            from sent, (values (2, 0.45), (3, 0.2), (4, 0.08)) as opens(nth, share) where u(n, 50 + nth) < share
            union all by name
            select *, 'CLICK' as type, sent_ms + 65000 + cast(pow(u(n, 60), 3) * 1209600000 as bigint) as at_ms, 5 as nth
            from sent where u(n, 61) < 0.1
        )
        select guid(n || ' ' || nth) || '|' || at_ms as key, '' as scope, 'seen' as kind, moment(at_ms * 1000) as occurred_at,
            '{{"id":"' || guid(n || ' ' || nth) || '","created":' || at_ms || ',"type":"' || type || '","recipient":"'
            || untidy(email(case when nth > 1 and u(n, 62 + nth) < 0.02 then person(u(n, 70 + nth)) else p end), u(n, 80 + nth))
            || '","portalId":{PORTAL},"appId":113,"appName":"Batch","emailCampaignId":' || campaign || ',"filteredEvent":'
            || case when nth > 1 and u(n, 90 + nth) < 0.07 then 'true' else 'false' end
            || case type
                when 'SENT' then ',"subject":"Our next webinar is about what you asked for"'
                when 'DELIVERED' then ',"response":"250 OK","smtpId":"made"'
                when 'OPEN' then ',"duration":' || (at_ms % 60000) || ',{browser}'
                else ',"url":"https://kestrel-signal.example/read/' || campaign || '",{browser}' end
            || case when nth > 0 then ',"sentBy":{{"id":"' || guid(n || ' 0') || '","created":' || sent_ms || '}}' else '' end
            || '}}' as payload
        from told where at_ms >= {_us(begin) // 1000} and at_ms < {_us(end) // 1000}
    """


def form_submissions(size: Size, begin: datetime, end: datetime) -> str:
    """Forms sent in, on seven forms."""
    first, last, step = _numbers(begin, end, size.forms)
    return f"""
        select guid('form ' || n) as key, '0000000' || n % 7 || '-5afe-4f0e-8a11-6fa946258a8a' as scope, 'seen' as kind,
            moment(us // 1000 * 1000) as occurred_at,
            '{{"conversionId":"' || guid('form ' || n) || '","submittedAt":' || us // 1000
            || ',"values":[{{"name":"email","value":"' || untidy(email(p), u(n, 101)) || '","objectTypeId":"0-1"}},'
            || '{{"name":"firstname","value":"' || first_name(p) || '","objectTypeId":"0-1"}},'
            || '{{"name":"lastname","value":"' || last_name(p) || '","objectTypeId":"0-1"}}],'
            || '"pageUrl":"https://kestrel-signal.example/form"}}' as payload
        from (select n, {_us(START)} + n * {step} as us, person(u(n, 102)) as p from range({first}, {last}) as t(n))
    """


def users(size: Size, begin: datetime, end: datetime) -> str:
    """Eight hosts, all there from the start."""
    return f"""
        select short_id('host ' || h) as key, 'users' as scope, 'seen' as kind, timestamptz '{START.isoformat()}' as occurred_at,
            '{{"id":"' || short_id('host ' || h) || '","first_name":"' || first_name(h) || '","last_name":"' || last_name(h)
            || '","email":"host' || h || '@kestrel-signal.example","type":2,"timezone":"Europe/Berlin","verified":1,'
            || '"dept":"Marketing","created_at":"2023-11-04T12:00:00Z","status":"active","role_id":"2"}}' as payload
        from range(8) as t(h) where {"true" if begin == START else "false"}
    """


def webinar_states(size: Size, begin: datetime, end: datetime) -> str:
    """Webinars when they are scheduled; one in fifty is deleted before it runs."""
    return f"""
        select id as key, '' as scope, 'seen' as kind, created_at as occurred_at,
            '{{"uuid":"' || to_base64(unhex(md5('webinar ' || w))) || '","id":' || id || ',"host_id":"' || short_id('host ' || host)
            || '","host_email":"host' || host || '@kestrel-signal.example","topic":"' || topic || '","type":5,"start_time":"'
            || sec(start_at) || '","duration":' || minutes || ',"timezone":"Europe/Warsaw",'
            || '"agenda":"What we learnt, what changed, and your questions.","created_at":"' || sec(created_at)
            || '","join_url":"https://zoom.example/j/' || id || '","settings":{{"approval_type":0,"registration_type":1,'
            || '"registrants_restrict_number":0,"close_registration":true,"email_in_attendee_report":true,'
            || '"allow_multiple_devices":true}},"registration_url":"https://zoom.example/webinar/register/'
            || short_id('webinar ' || w) || '"}}' as payload
        from webinar where {_within("created_at", begin, end)}
        union all
        select id, '', 'absent', cancelled_at, null from webinar where {_within("cancelled_at", begin, end)}
    """


def instances(size: Size, begin: datetime, end: datetime) -> str:
    """Sessions, as the report of past webinars gives them once they have ended."""
    return f"""
        select uuid as key, id as scope, 'seen' as kind, began_at as occurred_at,
            '{{"meeting_uuid":"' || uuid || '","meeting_id":' || id || ',"type":"Webinar","host_display_name":"'
            || first_name(host) || ' ' || last_name(host) || '","host_email":"host' || host
            || '@kestrel-signal.example","topic":"' || topic || '","start_time":"' || sec(began_at) || '","end_time":"'
            || sec(ended_at) || '","duration":' || date_diff('second', began_at, ended_at) // 60
            || ',"source":"Zoom","tracking_fields":[],"custom_fields":[],'
            || '"feature_used":{{"recording_to_cloud":false,"registration":true}}}}' as payload
        from session where {_within("ended_at", begin, end)}
    """


def report_reads(size: Size, begin: datetime, end: datetime) -> str:
    """Our note of having read each session's report."""
    return f"""
        select uuid as key, uuid as scope, 'seen' as kind, ended_at as occurred_at,
            '{{"uuid":"' || uuid || '","webinar_id":"' || id || '","read_at":"' || ms(ended_at + interval 40 minute)
            || '","session":"' || md5(uuid) || '","rows":1250,"digest":"' || md5(id)
            || '","is_settled":true,"refused":null}}' as payload
        from session where {_within("ended_at", begin, end)}
    """


def _registered(condition: str) -> str:
    """SQL of who registers for the webinars that fulfil a condition, each person once."""
    return f"""
        registered as (
            select w, id, p, min(i) as i,
                arg_min(created_at + to_seconds(cast(
                    date_diff('second', created_at, coalesce(cancelled_at, start_at)) * (1 - pow(u(w * 100003 + i, 111), 2)) as integer)), i) as told_at,
                any_value(coalesce(cancelled_at, start_at)) as start_at
            from (
                select *, person(u(w * 100003 + i, 112)) as p
                from (select *, unnest(range(300 + cast(400 * u(w, 113) as bigint))) as i from webinar where {condition})
            )
            group by w, id, p
        )
    """


def registrants(size: Size, begin: datetime, end: datetime) -> str:
    """Registrations; three in a hundred vanish again, one is denied later."""
    open_now = f"created_at < timestamptz '{end.isoformat()}'"
    if begin > START:
        open_now += f" and start_at >= timestamptz '{begin.isoformat()}'"
    payload = """'{"id":"' || short_id(w || ' ' || p) || '","email":"' || untidy(email(p), u(w * 100003 + p, 114))
            || '","first_name":"' || first_name(p) || '","last_name":"' || last_name(p)
            || '","org":"","job_title":"Analyst","status":"' || status || '","create_time":"' || sec(created)
            || '","custom_questions":[],"join_url":"https://zoom.example/w/' || id || '?tk=' || short_id(w || ' ' || p) || '"}'"""
    return f"""
        with {_registered(open_now)},
        told as (
            select *, told_at as created, 'seen' as kind, 'approved' as status from registered
            union all by name
            select * exclude (told_at), told_at as created,
                told_at + to_seconds(1 + cast(date_diff('second', told_at, start_at) * u(w * 100003 + i, 115) as integer)) as told_at,
                case when u(w * 100003 + i, 116) < 0.03 then 'absent' else 'seen' end as kind, 'denied' as status
            from registered where u(w * 100003 + i, 116) < 0.04
        )
        select id || '|' || short_id(w || ' ' || p) as key, id as scope, kind, told_at as occurred_at,
            case when kind = 'seen' then {payload} end as payload
        from told where {_within("told_at", begin, end)}
    """


def participants(size: Size, begin: datetime, end: datetime) -> str:
    """Reports of the sessions that ended: 1 to 8 rows a person, overlapping; waiting rooms, rows without address."""
    ended = _within("ended_at", begin, end)
    return f"""
        with over as (select * from session where {ended}),
        {_registered("w in (select w from over)")},
        came as (
            select w, p, short_id(w || ' ' || p) as registrant_id from registered where u(w * 100003 + i, 121) < 0.6
            union all
            select w, person(u(w * 100003 + i, 122)) as p, '' as registrant_id
            from (select w, unnest(range(230)) as i from (select distinct w from over))
        ),
        devices as (
            select over.*, p, registrant_id, hash(over.w, p, registrant_id, part, d) as r
            from (
                select *, unnest(range(1 + cast(floor(7 * pow(u(w * 100003 + p, 123), 3)) as bigint))) as d from came
            ) as came inner join over using (w)
        ),
        timed as (
            select *, u(r, 124) as luck,
                case when u(r, 125) < 0.05 then began_at - interval 10 second
                    else began_at + to_seconds(cast(pow(u(r, 126), 2) * date_diff('second', began_at, ended_at) as integer))
                end as joined_at
            from devices
        ),
        rows as (
            select *, case when u(r, 127) < 0.3 then ended_at + interval 5 second
                else joined_at + to_seconds(cast(u(r, 128) * date_diff('second', joined_at, ended_at) as integer)) end as left_at
            from timed
        )
        select uuid || '|' || r % 100000000 || '|' || sec(joined_at) as key, uuid as scope, 'seen' as kind,
            joined_at as occurred_at,
            '{{"id":"","user_id":"' || r % 100000000 || '","name":"'
            || case when luck < 0.08 then 'iPhone' else first_name(p) || ' ' || last_name(p) end || '","user_email":"'
            || case when luck < 0.08 then '' else untidy(email(p), u(r, 129)) end || '","join_time":"' || sec(joined_at)
            || '","leave_time":"' || sec(left_at) || '","duration":' || date_diff('second', joined_at, left_at)
            || ',"customer_key":"","failover":false,"status":"'
            || case when u(r, 130) < 0.02 then 'in_waiting_room' else 'in_meeting' end || '","registrant_id":"'
            || case when luck < 0.06 then '' else registrant_id end || '"}}' as payload
        from rows
        qualify row_number() over (partition by uuid, r % 100000000, joined_at order by r, left_at, payload) = 1
    """


Sql = Callable[[Size, datetime, datetime], str]
STREAMS: dict[str, tuple[str, Sql]] = {
    "hubspot/contacts": (PORTAL, contacts),
    "hubspot/email_events": (PORTAL, email_events),
    "hubspot/form_submissions": (PORTAL, form_submissions),
    "zoom/users": (ACCOUNT, users),
    "zoom/webinars": (ACCOUNT, webinar_states),
    "zoom/instances": (ACCOUNT, instances),
    "zoom/registrants": (ACCOUNT, registrants),
    "zoom/participants": (ACCOUNT, participants),
    "zoom/report_reads": (ACCOUNT, report_reads),
}
"""Stream to the account it is of, and the SQL of its events in a span of time."""
