"""Publish: compare, show, send once, remember what was answered (EV-05 to EV-08).

`plan` compares the sync models with what the vendors confirmed; `apply` sends exactly that plan:
intent (log) → call → outcome (log). After a kill, an intent without outcome is *unknown*; `resolve` asks the vendor
by our key before anything more is sent.
"""

from pipelines.publish.plan import Plan, load_plan, make_plan, read_by_plans
from pipelines.publish.receipts import created, resolve, retried, unknown_intents, write_retry
from pipelines.publish.rows import Destination, Outcome, Phase, Row
from pipelines.publish.sending import ApplyReceipt, apply, check_fresh, check_fuses, hold_emptied
from pipelines.publish.undo import make_undo, runs
from pipelines.publish.verdicts import write_verdicts

__all__ = [
    "ApplyReceipt",
    "Destination",
    "Outcome",
    "Phase",
    "Plan",
    "Row",
    "apply",
    "check_fresh",
    "check_fuses",
    "created",
    "hold_emptied",
    "load_plan",
    "make_plan",
    "make_undo",
    "read_by_plans",
    "resolve",
    "retried",
    "runs",
    "unknown_intents",
    "write_retry",
    "write_verdicts",
]
