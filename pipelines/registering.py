"""Registering people in Zoom: a wish by hand, and what goes on at once when somebody was registered (HZ-32).

Wishes that stand in the CRM need no code: SQL finds them, and an ordinary run fulfils them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import orjson

from pipelines.errors import ChecksFailed, FuseError, SettingsError, UsageError
from pipelines.events import Batch, Record, Stream
from pipelines.ingest import HasWebinars, IngestReceipt, has_webinars, ingest
from pipelines.log import OURS
from pipelines.run import Progress, RunReceipt, Workspace, silent

WISHES = Stream("wishes", "own", about="whom somebody asked us to register for a webinar")
OBJECT = "registration"
FORM = ("webinars", "registrants", "registrations_by_occurrence", "panelists", "questions")
"""What must be known of a webinar before anybody is registered for it."""
LISTS = ("registrants", "registrations_by_occurrence")


@dataclass
class Registered:
    """What became of a wish by hand: its verdict, and the run that fulfilled it."""

    verdict: str
    reason: str
    receipt: RunReceipt = field(repr=False)

    @property
    def is_done(self) -> bool:
        """Whether the contact is registered."""
        return self.verdict in ("published", "unchanged")


def with_webinars(workspace: Workspace) -> list[HasWebinars]:
    """Return the connected accounts that have webinars."""
    return [source for source in workspace.sources if has_webinars(source)]


def knowing(workspace: Workspace, webinar_id: str) -> list[HasWebinars]:
    """Return the accounts that know a webinar (HZ-35).

    Raises:
        UsageError: none does; names those that were asked.
        SettingsError: none is connected.
    """
    if not (having := with_webinars(workspace)):
        raise SettingsError(
            "no account that has webinars is connected. `turnout doctor` lists the variables that connect one."
        )
    if not (found := [source for source in having if source.knows(webinar_id, workspace.log)]):
        asked = ", ".join(source.account for source in having)
        raise UsageError(f"no connected account knows webinar {webinar_id}; asked: {asked}. Look at its id in Zoom.")
    return found


def register(
    workspace: Workspace, webinar_id: str, contact_id: int, *, allow: bool = False, progress: Progress = silent
) -> Registered:
    """Note that somebody wants a contact of HubSpot to be registered, read what that needs, and publish it.

    Raises:
        UsageError, SettingsError: no account knows the webinar, or there is none, or no HubSpot; nothing was noted.
        ChecksFailed, FuseError: nothing was published; the wish is noted, and a later run fulfils it.
    """
    if "hubspot" not in {source.name for source in workspace.sources}:
        raise SettingsError("hubspot is not connected, so no contact of it can be registered; see `turnout doctor`.")
    with workspace.log.locked():
        return _register(workspace, webinar_id, contact_id, knowing(workspace, webinar_id), allow, progress)


def _register(
    workspace: Workspace,
    webinar_id: str,
    contact_id: int,
    accounts: Collection[HasWebinars],
    allow: bool,
    progress: Progress,
) -> Registered:
    receipt = RunReceipt(workspace.run_id, workspace.now())
    log = workspace.log
    told = orjson.dumps({"webinar_id": webinar_id, "contact_id": str(contact_id)})
    now = workspace.now()
    log.append(OURS, OURS, WISHES, Batch([Record(workspace.run_id, now, told)], at=now), run=workspace.run_id)
    receipt.ingested = workspace.ingest(["hubspot"], ["properties", "contacts"], progress)
    if log.version("zoom", "users") < 0:
        receipt.ingested += workspace.ingest(["zoom"], ["users"], progress)
    receipt.ingested += [_read(workspace, source, webinar_id, FORM, progress) for source in accounts]
    receipt.as_of = workspace.now()
    workspace.publish(receipt, ["zoom"], allow=allow, progress=progress)
    follow(workspace, receipt, ["hubspot"], allow=allow, progress=progress)
    key = f"{int(webinar_id)}||hubspot:{contact_id}"
    with workspace.warehouse.connect({"verdicts"}) as db:
        found = db.execute(
            "select verdict, reason from verdicts where destination = 'zoom' and object = ? and object_key = ?",
            [OBJECT, key],
        ).fetchall()
    verdict, reason = found[0] if found else ("waiting", "it is planned by the next run")
    return Registered(verdict, reason or "", receipt)


def follow(
    workspace: Workspace, receipt: RunReceipt, names: Collection[str], *, allow: bool, progress: Progress
) -> None:
    """Where somebody was registered, read who is, and let go out what waited for it: the link goes back at once."""
    applied, plan = receipt.applied, receipt.plan
    if applied is None or plan is None or not applied.outcomes.get(OBJECT, {}).get("published"):
        return
    places = {(row.context["account"], row.context["webinar_id"]) for row in plan.rows["zoom"]}
    accounts = {source.account: source for source in with_webinars(workspace)}
    for account, webinar in sorted((str(one), str(other)) for one, other in places):
        if account in accounts:
            receipt.ingested.append(_read(workspace, accounts[account], webinar, LISTS, progress))
    receipt.as_of = max(receipt.as_of, workspace.now())
    try:
        workspace.publish(receipt, names, allow=allow, progress=progress)
    except (ChecksFailed, FuseError) as error:
        receipt.lines.append(f"what waits for a registration goes out with a later run: {error}")
    receipt.plan = plan


def _read(
    workspace: Workspace, source: HasWebinars, webinar: str, streams: Collection[str], progress: Progress
) -> IngestReceipt:
    return ingest(source.of_webinar(webinar), workspace.log, run=workspace.run_id, streams=streams, progress=progress)
