"""Lets a history happen in a sandbox, and asks its CRM what it then holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from pipelines.sandbox.clock import iso_ms
from pipelines.sandbox.hubspot.portal import Portal
from pipelines.sandbox.world.filling import fill_account
from pipelines.sandbox.zoom.account import ZoomAccount
from tests.company import Company
from tests.soak.script import History, Move, Record
from tests.worlds import z

ACCOUNT, PORTAL = "zoom-account", 4242
DONE, SKIPPED = "done", "skipped"


def toml(settings: Record) -> str:
    """Write settings as a person would."""

    def word(value: bool) -> str:
        return str(value).lower()

    def listed(values: Iterable[str]) -> str:
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    lines = ["[sync]", f"webinars = {word(settings.get('sync', True))}"]
    lines.append(f"new_webinars = {word(settings.get('new_webinars', True))}")
    for email, is_on in settings.get("users", {}).items():
        lines += [f'[sync.users."{email}"]', f"new_webinars = {word(is_on)}"]
    lines.append("[sync.webinars]")
    lines += [f'"{number}" = {word(is_on)}' for number, is_on in settings.get("webinars", {}).items()]
    lines += ["[exclusions]", f"contacts = {listed(settings.get('contacts', ()))}"]
    lines += [f"host_domains = {listed(settings.get('host_domains', ()))}"]
    lines += ["[attendance]", f"count_panelists = {word(settings.get('count_panelists', False))}"]
    lines += ["[identity]", f'secondary_emails = "{"attribute" if settings.get("attribute") else "ignore"}"']
    return "\n".join(lines) + "\n"


class Scene:
    """A company in whose world a history happens. What a move could not do, since the CRM was otherwise, is skipped."""

    def __init__(self, history: History, home: Path) -> None:
        self.history = history
        self.settings = dict(history.settings)
        self.company = Company(history.world, home, toml(self.settings))
        self.sandbox = self.company.sandbox
        self.set_faults([])
        self.skipped: list[Move] = []

    def set_faults(self, rules: list[Record], **switches: Any) -> None:
        """Let these faults strike from now on, beside what the history says of the vendors."""
        told = {name.replace("__", "."): value for name, value in switches.items()}
        self.sandbox.set_faults({"rules": rules, "switches": {**self.history.switches, **told}})

    def clock(self, at: datetime) -> None:
        """Move the world's clock."""
        self.sandbox.set_clock(z(at))

    def play(self, move: Move) -> bool:
        """Let one thing happen; tell whether it could."""
        self.clock(move.at)
        self.set_faults([], hubspot__rate_limits=False)  # people are no app: they use up none of its calls
        answer = getattr(self, f"_{move.kind}")(move.at, **move.told)
        if answer == SKIPPED:
            self.skipped.append(move)
        return bool(answer != SKIPPED)

    # ---- Zoom

    def _zoom(self, change: Callable[[dict[int, Record]], str | None]) -> str:
        state = self.sandbox.state
        with state.lock:
            account = state.zoom[ACCOUNT]
            answer = change({told["id"]: told for told in account.record["webinars"]})
            fill_account(account.record, z(state.clock.now), 0)
            fresh = ZoomAccount(account.record)
            fresh.counts = account.counts
            state.zoom[ACCOUNT] = fresh
        return answer or DONE

    def _schedule(self, at: datetime, webinar: Record) -> str:
        def change(found: dict[int, Record]) -> None:
            self.sandbox.state.zoom[ACCOUNT].record["webinars"].append(copied(webinar))

        return self._zoom(change)

    def _register(self, at: datetime, webinar: int, registrant: Record) -> str:
        return self._zoom(lambda found: found[webinar]["registrants"].append(copied(registrant)))

    def _vanish(self, at: datetime, webinar: int, registrant: str) -> str:
        def change(found: dict[int, Record]) -> None:
            people = found[webinar]["registrants"]
            people[:] = [one for one in people if one["id"] != registrant]

        return self._zoom(change)

    def _status(self, at: datetime, webinar: int, registrant: str, status: str) -> str:
        def change(found: dict[int, Record]) -> None:
            for one in found[webinar]["registrants"]:
                if one["id"] == registrant:
                    one["status"] = status

        return self._zoom(change)

    def _reschedule(self, at: datetime, webinar: int, occurrence: str, start: str) -> str:
        def change(found: dict[int, Record]) -> None:
            told = found[webinar]
            dates = [one for one in told.get("occurrences", ()) if one["occurrence_id"] == occurrence]
            for date in dates or [told]:
                date["start_time"] = start

        return self._zoom(change)

    def _cancel_date(self, at: datetime, webinar: int, occurrence: str) -> str:
        def change(found: dict[int, Record]) -> None:
            for one in found[webinar]["occurrences"]:
                if one["occurrence_id"] == occurrence:
                    one["status"] = "deleted"

        return self._zoom(change)

    def _delete_webinar(self, at: datetime, webinar: int) -> str:
        return self._zoom(lambda found: found[webinar].update(deleted=True))

    def _panelist(self, at: datetime, webinar: int, panelist: Record) -> str:
        return self._zoom(lambda found: found[webinar]["panelists"].append(copied(panelist)))

    def _session(self, at: datetime, webinar: int, run: Record) -> str:
        return self._zoom(lambda found: found[webinar]["instances"].append(copied(run)))

    def _correct(self, at: datetime, webinar: int, uuid: str, old: str, what: str, row: Record) -> str:
        def change(found: dict[int, Record]) -> None:
            rows = next(run for run in found[webinar]["instances"] if run["uuid"] == uuid)["participants"]
            if what != "add":
                rows[:] = [one for one in rows if one["user_id"] != old]
            if what != "drop":
                rows.append(copied(row))

        return self._zoom(change)

    # ---- HubSpot

    @property
    def portal(self) -> Portal:
        """The portal as the sandbox keeps it."""
        return next(iter(self.sandbox.state.hubspot.values()))

    def _ask(self, method: str, path: str, json: Any = None) -> requests.Response:
        token = {"Authorization": f"Bearer {self.portal.record['access_token']}"}
        return requests.request(method, self.sandbox.urls["hubspot"] + path, json=json, headers=token, timeout=30)

    def _found(self, email: str) -> Record | None:
        """The live contact whose primary address this is."""
        name = self.portal.by_email.get(email.strip().lower())
        record = self.portal.find("contacts", name) if name else None
        return record if record and norm(record["properties"].get("email")) == norm(email) else None

    def _free(self, email: str) -> bool:
        return norm(email) not in self.portal.by_email and norm(email) not in self.portal.blocked

    def _mail(self, at: datetime, event: Record, is_late: bool) -> str:
        with self.sandbox.state.lock:
            events = self.portal.email_events
            events.append(copied(event))
            events.sort(key=lambda one: (-one["created"], str(one["id"])))
            self.portal.record["email_events"] = events
        return DONE

    def _submit(self, at: datetime, form: str, submission: Record) -> str:
        with self.sandbox.state.lock:
            told = next(one for one in self.portal.record["forms"] if one["id"] == form)
            told["submissions"].append({"pageUrl": "", **copied(submission)})
        return DONE

    def _create(self, at: datetime, email: str) -> str:
        body = {"properties": {"email": email, "firstname": "By", "lastname": "Hand"}}
        return DONE if self._ask("POST", "/crm/v3/objects/contacts", body).ok else SKIPPED

    def _change(self, at: datetime, email: str, changes: dict[str, str]) -> str:
        with self.sandbox.state.lock:
            record = self._found(email)
            if record is None:
                return SKIPPED
            self.portal.change("contacts", record, dict(changes), at, touch=True)
        return DONE

    def _rename(self, at: datetime, email: str, firstname: str) -> str:
        return self._change(at, email, {"firstname": firstname})

    def _readdress(self, at: datetime, email: str, new: str, is_kept: bool) -> str:
        record = self._found(email)
        if record is None or not self._free(new):
            return SKIPPED
        others = (record["properties"].get("hs_additional_emails") or "").split(";")
        kept = ";".join(other for other in (*others, *([email.strip().lower()] if is_kept else [])) if other)
        return self._change(at, email, {"email": new, "hs_additional_emails": kept})

    def _second(self, at: datetime, email: str, other: str) -> str:
        record = self._found(email)
        if record is None or not self._free(other):
            return SKIPPED
        others = (record["properties"].get("hs_additional_emails") or "").split(";")
        return self._change(at, email, {"hs_additional_emails": ";".join(one for one in (*others, norm(other)) if one)})

    def _bin(self, at: datetime, email: str) -> str:
        record = self._found(email)
        if record is None:
            return SKIPPED
        return DONE if self._ask("DELETE", f"/crm/v3/objects/contacts/{record['id']}").ok else SKIPPED

    def _restore(self, at: datetime, email: str, is_touched: bool) -> str:
        with self.sandbox.state.lock:
            binned = [
                one
                for one in self.portal.objects["contacts"].values()
                if one["archived"] and norm(one["properties"].get("email")) == norm(email)
            ]
            if not binned or not self._free(email):
                return SKIPPED
            record = max(binned, key=lambda one: (one["archivedAt"], one["id"]))
            self.portal.remember("contacts", record["id"], at)
            record["archived"] = False
            record.pop("archivedAt", None)
            self.portal.by_email[norm(email)] = record["id"]
            others = (record["properties"].get("hs_additional_emails") or "").split(";")
            kept = [other for other in others if other and self._free(other)]
            record["properties"] = {**record["properties"], "hs_additional_emails": ";".join(kept)}
            self.portal.by_email.update(dict.fromkeys(map(norm, kept), record["id"]))
            if is_touched or len(kept) < len([other for other in others if other]):
                record["updatedAt"] = record["properties"]["lastmodifieddate"] = iso_ms(at)
        return DONE

    def _merge(self, at: datetime, email: str, other: str) -> str:
        winner, loser = self._found(email), self._found(other)
        if winner is None or loser is None or winner is loser:
            return SKIPPED
        body = {"primaryObjectId": winner["id"], "objectIdToMerge": loser["id"]}
        return DONE if self._ask("POST", "/crm/v3/objects/contacts/merge", body).ok else SKIPPED

    def _forget(self, at: datetime, email: str) -> str:
        record = self._found(email)
        if record is None:
            return SKIPPED
        path = "/crm/v3/objects/contacts/gdpr-delete"
        return DONE if self._ask("POST", path, {"objectId": record["id"]}).ok else SKIPPED

    def _crm_user(self, at: datetime, email: str, who: str) -> str:
        with self.sandbox.state.lock:
            record, name = self.portal.record, str(5000 + sum(map(ord, email)))
            if who.startswith("user"):
                record["users"] = [one for one in record["users"] if one["id"] != name]
                record["users"] += [{"id": name, "email": email.title()}] if who == "user" else []
                return DONE
            owner = {"id": f"{name}{who[0]}", "email": email, "type": "QUEUE" if who == "queue" else "PERSON"}
            stamps = {"createdAt": iso_ms(at), "updatedAt": iso_ms(at), "firstName": "", "lastName": ""}
            record["owners"] = [one for one in record["owners"] if one["id"] != owner["id"]]
            record["owners"].append({**owner, **stamps, "archived": who == "owner_gone", "userId": None})
            record["owners"][-1]["userIdIncludingInactive"] = int(name)
        return DONE

    def _settings(self, at: datetime, settings: Record) -> str:
        self.settings = settings
        self.company.set(toml(settings))
        return DONE

    # ---- what the CRM answers

    def held(self) -> Record:
        """Return what the CRM's API says: contacts by id, marketing events by external id, and who is in what state."""
        self.set_faults([], hubspot__rate_limits=False)  # it is not the product that asks
        ask = self.company.ask
        names = [one["name"] for one in ask("/crm/v3/properties/contacts").json()["results"]]
        wanted = ",".join(
            ["email", "firstname", "hs_additional_emails", *(name for name in names if name.startswith("turnout_"))]
        )
        contacts = {
            row["id"]: {name: value for name, value in row["properties"].items() if value}
            for row in self._pages("/crm/v3/objects/contacts", properties=wanted)
        }
        events = {row["externalEventId"]: row for row in self._pages("/marketing/v3/marketing-events")}
        states = {
            (name, row["associations"]["contact"]["contactId"]): row["properties"]["attendanceState"]
            for name in events
            for row in self._pages(f"/marketing/v3/marketing-events/participations/{ACCOUNT}/{name}/breakdown")
        }
        return {"contacts": contacts, "events": events, "states": states}

    def _pages(self, path: str, **params: Any) -> Iterable[Record]:
        after = ""
        while True:
            answer = self.company.ask(path, limit=100, **params, **({"after": after} if after else {}))
            answer.raise_for_status()
            yield from answer.json()["results"]
            after = answer.json().get("paging", {}).get("next", {}).get("after", "")
            if not after:
                return


def norm(address: str | None) -> str:
    """Trim and lower an address."""
    return (address or "").strip().lower()


def copied(told: Record) -> Record:
    """Return a record with lists and records of its own."""
    return {name: _copied(value) for name, value in told.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return copied(value)
    return [_copied(one) for one in value] if isinstance(value, list) else value


def moment(text: str) -> datetime:
    """Read an instant."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
