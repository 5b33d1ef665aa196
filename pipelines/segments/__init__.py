"""Segments: who entered and left each, as events of our own (EV-10).

Who is in a segment is compared with what the log says of it, so that a run that is killed or repeated tells each change
once. A segment that failed has no changes: nobody knows who is in it. Looking back (`--as-of`) tells none either.
"""

from pipelines.segments.changes import CHANGES, follow
from pipelines.segments.looking import Look, Told, View, catalog, look, show, written

__all__ = ["CHANGES", "Look", "Told", "View", "catalog", "follow", "look", "show", "written"]
