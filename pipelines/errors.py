"""What can go wrong, as one tree; every message says what, where, why and the next step.

TurnoutError                    exit status of the command line
├── UsageError                  2   the call's own words are wrong
├── SettingsError               2   settings file or environment, every wrong entry at once
├── LogError                    1   the event log refuses, or is damaged
├── LockedError                 1   another run holds TURNOUT_HOME
├── ModelError                  1   a file in sql/ cannot be read or run
├── ReportError                 2   a CSV export is none that we know
├── DeliveryError               1   a delivery by webhook is refused; nothing of it is kept
├── ChecksFailed                3   a blocking check failed; nothing was published
├── StalePlanError              3   the log has moved since the plan was made
├── FuseError                   3   the plan's shape is wrong until a person says --allow
└── VendorError                 1   what a vendor answered
    ├── TransientError              another try may help (5xx, time-outs, broken bodies)
    │   ├── UnreachableError        nothing answers at the vendor's address, so nothing was sent
    │   └── UnknownOutcomeError     a write that may or may not have been done
    ├── QuotaError                  refused until `retry_at`
    ├── AuthError                   a scope or permission is missing; something else may still be allowed
    │   └── CredentialsError        who we are is refused, so all else will be too
    └── RefusedError                the request itself is refused; asking again cannot help
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


class TurnoutError(Exception):
    """Whatever turnout raises on purpose. `exit_status` is what the command line ends with."""

    exit_status = 1


class UsageError(TurnoutError):
    """The command was called with words that it cannot use."""

    exit_status = 2


class SettingsError(TurnoutError):
    """Settings or environment are wrong; the message names every wrong entry at once."""

    exit_status = 2


class LogError(TurnoutError):
    """The event log cannot take or give what was asked."""


class LockedError(TurnoutError):
    """Another process is working on this TURNOUT_HOME."""


class ModelError(TurnoutError):
    """A model's file is wrong, or its SQL failed."""


class ReportError(TurnoutError):
    """A file to import is no report that we can read."""

    exit_status = 2


class DeliveryError(TurnoutError):
    """A delivery by webhook is refused. `status` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ChecksFailed(TurnoutError):
    """A blocking check failed, so nothing was published. `failing` is check to the rows that contradict it."""

    exit_status = 3

    def __init__(self, message: str, *, failing: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.failing = dict(failing or {})


class StalePlanError(TurnoutError):
    """The plan was made at another position of the log."""

    exit_status = 3


class FuseError(TurnoutError):
    """The plan would do something out of proportion; a person must allow it."""

    exit_status = 3


class VendorError(TurnoutError):
    """A vendor did not do what it was asked.

    Attributes:
        vendor: its name, for example `zoom`.
        status: the HTTP status, 0 where no answer came.
        code: the vendor's own error code or category, "" where it gave none.
    """

    def __init__(self, message: str, *, vendor: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.vendor = vendor
        self.status = status
        self.code = code


class TransientError(VendorError):
    """Another try may succeed."""


class UnreachableError(TransientError):
    """Nothing answers at the vendor's address; what was to be sent never left us."""


class UnknownOutcomeError(TransientError):
    """A write was sent and no clear answer came: it may have been done."""


class QuotaError(VendorError):
    """The vendor refuses for now. `retry_at` is when it may be asked again (UTC), if it said so."""

    def __init__(
        self,
        message: str,
        *,
        vendor: str = "",
        status: int = 429,
        code: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message, vendor=vendor, status=status, code=code)
        self.retry_at = retry_at


class AuthError(VendorError):
    """A scope or a permission is missing."""


class CredentialsError(AuthError):
    """The credentials themselves are refused: every other request would be refused too."""


class RefusedError(VendorError):
    """The request is refused for what it says; the same request will be refused again."""
