"""The vendors on loopback: stateful HTTP servers that answer as the vendors do, and refuse what they refuse.

An independent reading of the vendors' documentation. It imports nothing of the rest of the project, so that what the
project believes of a vendor is tested against something that does not share the belief.
"""

from __future__ import annotations

from pipelines.sandbox.faults import FaultError
from pipelines.sandbox.server import Sandbox
from pipelines.sandbox.world import WorldError, generate, load, validate

__all__ = ["FaultError", "Sandbox", "WorldError", "generate", "load", "validate"]
