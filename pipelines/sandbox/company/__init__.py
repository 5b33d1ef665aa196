"""A believable company, made up from a seed: three years of webinars, mail, forms and sales work.

Nothing in it is real: names are drawn from lists, addresses end in example.com, .net, .org or in invented `.example`
domains. The same arguments give the same world, to the byte.
"""

from __future__ import annotations

import random
from typing import Any

from pipelines.sandbox import clock
from pipelines.sandbox.company.crm import portal_of
from pipelines.sandbox.company.mail import mail_of
from pipelines.sandbox.company.marketing import instance_of
from pipelines.sandbox.company.people import cast_of
from pipelines.sandbox.company.sales import org_of
from pipelines.sandbox.company.stage import account_of

Record = dict[str, Any]


def generate(seed: int = 7, contacts: int = 2000, now: str = clock.DEFAULT_NOW) -> Record:
    """Make a world of so many contacts. Three years of history end at `now`; some webinars lie ahead."""
    dice = random.Random(seed)
    moment = clock.parse(now)
    cast = cast_of(dice, contacts, moment)
    account = account_of(dice, cast, moment)
    campaigns, events = mail_of(dice, cast, moment)
    portal = portal_of(dice, cast, moment)
    portal |= {"email_campaigns": campaigns, "email_events": events}
    org = org_of(random.Random(f"sales {seed}"), cast, portal, moment)
    instance = instance_of(random.Random(f"marketing {seed}"), cast, account, moment)
    return {
        "now": clock.iso(moment),
        "zoom": [account],
        "hubspot": [portal],
        "marketo": [instance],
        "salesforce": [org],
    }
