"""Writes one row: checks it as Salesforce does, derives what follows, and stamps it.

- Fields of activities: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm
  (IsClosed only through Status; CompletedDateTime when a closed status is saved; AccountId derived; TaskSubtype at
  creation only)
- Codes: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
- Locks of parents: https://help.salesforce.com/s/articleView?id=005226737 : an insert locks them only where the task
  is open and has a due date, an update or deletion always.
The texts of single messages are from memory and unverified; codes are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pipelines.sandbox.salesforce.fields import ACTIVITIES, DEFAULTS, READ_ONLY, TEXTS, Field
from pipelines.sandbox.salesforce.gate import Denied, SalesforceCall
from pipelines.sandbox.salesforce.ids import kind_of, normal
from pipelines.sandbox.salesforce.org import PARENTS
from pipelines.sandbox.salesforce.select import Plan
from pipelines.sandbox.salesforce.soql import Select, read_condition
from pipelines.sandbox.salesforce.values import ADDRESS, Misfit, moment_of, taken, told

Record = dict[str, Any]
CONVERTED = "cannot reference converted lead"


def create(call: SalesforceCall, name: str, given: Record) -> Record:
    """Create a row. Denied where Salesforce would refuse it; then nothing has changed."""
    if name in READ_ONLY:
        raise Denied("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {name} does not support create")
    values = checked(call, name, given, None)
    fields = call.org.fields[name]
    for key, one in fields.items():
        if one.type == "boolean" and values.get(key) is None:
            values[key] = DEFAULTS.get((name, key), False)
        elif values.get(key) is None and (name, key) in DEFAULTS:
            values[key] = DEFAULTS[name, key]
    me = call.user["Id"]
    if "OwnerId" in fields and not values.get("OwnerId"):
        values["OwnerId"] = me
    missing = [key for key, one in fields.items() if one.required and values.get(key) is None]
    if missing:
        raise Denied("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", tuple(missing))
    moment = told(call.now)
    values |= {"CreatedDate": moment, "CreatedById": me, "LastModifiedDate": moment, "LastModifiedById": me}
    values["SystemModstamp"] = moment
    derive(call, name, values, {})
    _rules(call, name, values)
    _room(call)
    _twins(call, name, values, "")
    if name in ACTIVITIES:
        lock(call, name, values, inserting=True)
    call.org.add(name, values)
    if name in ACTIVITIES and values.get("IsClosed", True):
        call.org.touch_parents(values, call.now, added=True)
    return values


def update(call: SalesforceCall, name: str, row: Record, given: Record) -> None:
    """Change a row. Denied where Salesforce would refuse it; then nothing has changed."""
    if name in READ_ONLY:
        raise Denied("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {name} does not support update")
    alive(row)
    if name == "Lead" and row.get("IsConverted"):
        raise Denied("CANNOT_UPDATE_CONVERTED_LEAD", CONVERTED)
    values = checked(call, name, given, row)
    missing = [
        key
        for key, value in values.items()
        if value is None and not call.org.fields[name][key].nillable and key != "Id"
    ]
    if missing:
        raise Denied("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", tuple(missing))
    moment = told(call.now)
    stamps = {"LastModifiedDate": moment, "LastModifiedById": call.user["Id"], "SystemModstamp": moment}
    after = {**row, **values, **stamps}
    derive(call, name, after, row)
    _rules(call, name, after)
    _twins(call, name, after, row["Id"])
    if name in ACTIVITIES:
        lock(call, name, row, after)
    before = dict(row)
    call.org.change(name, row, after)
    if name in ACTIVITIES:
        if any(before.get(key) != row.get(key) for key in PARENTS):
            call.org.touch_parents(before, call.now)
        if row.get("IsClosed", True) or before.get("IsClosed"):
            call.org.touch_parents(row, call.now)


def delete(call: SalesforceCall, name: str, row: Record) -> None:
    """Put a row into the recycle bin."""
    if name in READ_ONLY or name == "User":
        raise Denied("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {name} does not support delete")
    alive(row)
    if name in ACTIVITIES:
        lock(call, name, row)
    moment = told(call.now)
    stamps = {"LastModifiedDate": moment, "LastModifiedById": call.user["Id"], "SystemModstamp": moment}
    call.org.change(name, row, {"IsDeleted": True, **stamps})
    if name in ACTIVITIES and row.get("IsClosed", True):
        call.org.touch_parents(row, call.now)


def alive(row: Record) -> None:
    if row.get("IsDeleted"):
        raise Denied("ENTITY_IS_DELETED", "entity is deleted", (), 404)


def matches(call: SalesforceCall, name: str, field: Field, value: object) -> list[Record]:
    """The rows that an external id, or another field that rows are looked up by, finds."""
    text = str(value)
    if field.name == "Id":
        row = call.org.tables[name].get(normal(text))
        return [row] if row is not None else []
    if field.unique and field.case_sensitive:
        row = call.org.tables[name].get(call.org.holder(name, field.name, text))
        return [row] if row is not None else []
    wanted = text if field.case_sensitive else text.casefold()
    found = []
    for row in call.org.tables[name].values():
        held = row.get(field.name)
        if held is None or row.get("IsDeleted"):
            continue
        if (str(held) if field.case_sensitive else str(held).casefold()) == wanted:
            found.append(row)
    return found


def lookup_field(call: SalesforceCall, name: str, given: str) -> Field:
    """The field of an upsert. Denied where rows cannot be looked up by it."""
    field = next((one for key, one in call.fields(name).items() if key.lower() == given.lower()), None)
    if field is None or not (field.external or field.id_lookup):
        message = f"Provided external ID field does not exist or is not accessible: {given}"
        raise Denied("NOT_FOUND", message, status=404)
    return field


def checked(call: SalesforceCall, name: str, given: Record, row: Record | None) -> Record:
    """The values as they are kept. Denied at the first that is refused."""
    fields = {key.lower(): one for key, one in call.fields(name).items()}
    values: Record = {}
    for key, value in given.items():
        if key == "attributes":
            continue
        field = fields.get(key.lower())
        if field is None:
            raise Denied("INVALID_FIELD", f"No such column '{key}' on sobject of type {name}")
        if field.name == "Id":
            raise Denied(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"cannot specify Id in an {'insert' if row is None else 'update'} call",
                ("Id",),
            )
        writable = field.createable if row is None else field.updateable
        if not writable or field.name in call.switch("readonly_fields"):
            message = f"Unable to create/update fields: {field.name}. Please check the security settings of this field "
            message += "and verify that it is read/write for your profile or permission set."
            raise Denied("INVALID_FIELD_FOR_INSERT_UPDATE", message, (field.name,))
        try:
            value = taken(field, value)
        except Misfit as error:
            message = f"Cannot deserialize instance of {error} from value {value!r}"
            raise Denied("JSON_PARSER_ERROR", message) from error
        if isinstance(value, str) and field.type in TEXTS:
            _text(call, name, field, value)
        if field.refers and value is not None and (row is None or row.get(field.name) != value):
            _reference(call, name, field, value)
        values[field.name] = value
    return values


def _text(call: SalesforceCall, name: str, field: Field, value: str) -> None:
    if field.type not in ("id", "reference") and len(value) > field.length:
        message = f"{field.label}: data value too large: {value[:255]} (max length={field.length})"
        raise Denied("STRING_TOO_LONG", message, (field.name,))
    if field.type == "email" and not ADDRESS.fullmatch(value):
        raise Denied("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", (field.name,))
    if field.type == "picklist" and call.restricted(name, field):
        allowed = {one["value"] for one in call.org.picklist(name, field.name)}
        if value not in allowed and (allowed or (name, field.name) == ("Task", "Type")):
            message = f"{field.label}: bad value for restricted picklist field: {value}"
            raise Denied("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))


def _reference(call: SalesforceCall, name: str, field: Field, value: str) -> None:
    if not normal(value):
        raise Denied("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", (field.name,))
    if kind_of(value) not in field.refers:
        raise Denied("FIELD_INTEGRITY_EXCEPTION", f"{field.label}: id value of incorrect type: {value}", (field.name,))
    found = call.org.find(value)
    if found is None or call.org.purged(found, call.now):
        raise Denied("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (field.name,))
    if found.get("IsDeleted"):
        raise Denied("ENTITY_IS_DELETED", "entity is deleted", (field.name,))
    if found.get("IsConverted") and kind_of(value) == "Lead":
        raise Denied("CANNOT_UPDATE_CONVERTED_LEAD", CONVERTED, (field.name,))
    if field.name == "OwnerId" and not found.get("IsActive"):
        message = f"operation performed with inactive user [{value}] as owner of {name.lower()}"
        raise Denied("INACTIVE_OWNER_OR_USER", message, (field.name,))


def derive(call: SalesforceCall, name: str, row: Record, before: Record) -> None:
    """Set what follows from other fields. Denied where they contradict each other."""
    fields = call.org.fields[name]
    if "FirstName" in fields:
        row["Name"] = " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))
    if name == "Opportunity":
        row["IsWon"] = row.get("StageName") == "Closed Won"
        row["IsClosed"] = row["IsWon"] or row.get("StageName") == "Closed Lost"
    if name == "CampaignMember" and not (row.get("ContactId") or row.get("LeadId")):
        raise Denied("REQUIRED_FIELD_MISSING", "Required fields are missing: [ContactId or LeadId]", ("ContactId",))
    if name not in ACTIVITIES:
        return
    if kind_of(row.get("WhoId") or "") == "Lead" and row.get("WhatId"):
        message = "Related To ID: a lead's activity cannot be related to another record"
        raise Denied("FIELD_INTEGRITY_EXCEPTION", message, ("WhatId",))
    row["AccountId"] = call.org.account_of(row)
    if name == "Event":
        _times(row, before)
        return
    row["Status"] = row.get("Status") or call.org.default("Status")
    row["Priority"] = row.get("Priority") or call.org.default("Priority")
    row["IsHighPriority"] = any(
        one["ApiName"] == row["Priority"] and one["IsHighPriority"] for one in call.org.record["task_priorities"]
    )
    row["IsClosed"] = call.org.closes(row["Status"])
    if not row["IsClosed"]:
        row["CompletedDateTime"] = None
    elif not before.get("IsClosed"):
        row["CompletedDateTime"] = told(call.now)


def _times(row: Record, before: Record) -> None:
    """An event has a day, or a beginning and its length or end."""
    start = next(
        (row[key] for key in ("StartDateTime", "ActivityDateTime") if row.get(key) and row[key] != before.get(key)),
        row.get("StartDateTime") or row.get("ActivityDateTime"),
    )
    if row.get("IsAllDayEvent"):
        if not (row.get("ActivityDate") or start):
            raise Denied("REQUIRED_FIELD_MISSING", "Required fields are missing: [ActivityDate]", ("ActivityDate",))
        row["ActivityDate"] = row.get("ActivityDate") or str(start)[:10]
        return
    if not start:
        message = "Required fields are missing: [ActivityDateTime]"
        raise Denied("REQUIRED_FIELD_MISSING", message, ("ActivityDateTime",))
    row["StartDateTime"] = row["ActivityDateTime"] = start
    row["ActivityDate"] = start[:10]
    begins, minutes, ends = moment_of(start), row.get("DurationInMinutes"), row.get("EndDateTime")
    if minutes is None and not ends:
        message = "Required fields are missing: [DurationInMinutes]"
        raise Denied("REQUIRED_FIELD_MISSING", message, ("DurationInMinutes",))
    if minutes is not None and ends and begins + timedelta(minutes=minutes) != moment_of(ends):
        if before.get("EndDateTime") != ends and before.get("DurationInMinutes") == minutes:
            minutes = None
        elif before.get("EndDateTime") == ends:
            ends = None
        else:
            message = "Event duration, start date, and end date must be consistent."
            raise Denied("FIELD_INTEGRITY_EXCEPTION", message, ("EndDateTime",))
    if minutes is None:
        minutes = int((moment_of(str(ends)) - begins).total_seconds() // 60)
    if minutes < 0:
        raise Denied("FIELD_INTEGRITY_EXCEPTION", "Event End Time must not precede its beginning", ("EndDateTime",))
    row["DurationInMinutes"] = minutes
    row["EndDateTime"] = ends or told(begins + timedelta(minutes=minutes))


def _rules(call: SalesforceCall, name: str, row: Record) -> None:
    """The org's own rules: `Task | Priority = 'High' | What the administrator says` refuses what it finds."""
    for rule in call.switch("validation_rules"):
        kind, condition, message, *fields = (part.strip() for part in rule.split("|"))
        if kind == name:
            plan = Plan(call, Select(condition, object=name, where=read_condition(condition)))
            if plan.test({"Id": "", **row}):
                raise Denied("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, tuple(fields))


def _room(call: SalesforceCall) -> None:
    most = call.switch("storage_rows")
    if most is not None and sum(len(table) for table in call.org.tables.values()) >= most:
        raise Denied("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")


def _twins(call: SalesforceCall, name: str, row: Record, mine: str) -> None:
    for key, field in call.fields(name).items():
        if field.unique and row.get(key) is not None:
            holder = call.org.holder(name, key, row[key])
            if holder and holder != mine:
                message = f"duplicate value found: {key} duplicates value on record with id: {holder}"
                raise Denied("DUPLICATE_VALUE", message, ())
    if name == "CampaignMember":
        same = [(key, row[key]) for key in ("ContactId", "LeadId") if row.get(key)]
        for other in call.org.rows(name, call.now):
            is_same = other["CampaignId"] == row.get("CampaignId") and any(other.get(key) == one for key, one in same)
            if is_same and other["Id"] != mine:
                raise Denied("DUPLICATE_VALUE", "Already a campaign member.", ())
    rule = call.switch("duplicate_rule")
    if rule == "off" or name not in ("Contact", "Lead") or not row.get("Email"):
        return
    saving = "allowsave=true" in call.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")
    if rule == "alert" and saving:
        return
    address = str(row["Email"]).lower()
    for kind in ("Contact", "Lead"):
        for other in call.org.rows(kind, call.now):
            if (
                other["Id"] != mine
                and str(other.get("Email") or "").lower() == address
                and not other.get("IsConverted")
            ):
                raise Denied("DUPLICATES_DETECTED", "Use one of these records?", ())


def locked_parents(name: str, rows: Iterable[Record], *, inserting: bool) -> list[str]:
    """The parents that a write of an activity locks."""
    found: dict[str, None] = {}
    for row in rows:
        if inserting and (row.get("IsClosed", False) or not row.get("ActivityDate")):
            continue
        found |= dict.fromkeys(str(row[key]) for key in PARENTS if row.get(key))
    return list(found)


def lock(call: SalesforceCall, name: str, *rows: Record, inserting: bool = False) -> None:
    """Denied, UNABLE_TO_LOCK_ROW, where somebody else holds a parent."""
    held = call.switch("locked_parents")
    times = call.switch("lock_times")
    for parent in locked_parents(name, rows, inserting=inserting):
        if call.held is not None and call.held.setdefault(parent, call.batch) != call.batch:
            raise unlockable(call, parent)
        if parent in held and (times is None or call.book.refused[parent] < times):
            call.book.refused[parent] += 1
            raise unlockable(call, parent)


def unlockable(call: SalesforceCall, parent: str) -> Denied:
    """The error of a lock that was not had, or that error inside another."""
    message = f"unable to obtain exclusive access to this record or 1 records: {parent}"
    if call.switch("wrapped_locks"):
        wrapped = f"ActivityTrigger: execution of AfterInsert caused by: first error: UNABLE_TO_LOCK_ROW, {message}: []"
        return Denied("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", wrapped, ())
    return Denied("UNABLE_TO_LOCK_ROW", message, ())
