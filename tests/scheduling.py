"""Which tests go to one worker together: those of a file, which share what it set up, unless something else is said."""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = {
    name: "the scene of the kills" for name in ("tests/replay/test_kills.py", "tests/replay/test_hard_times.py")
}
"""Files that share what takes long to set up."""
APART = (
    "tests/browser/test_dagster_ui.py",
    "tests/properties/test_increments.py",
    "tests/soak/test_two_days.py",
    "tests/tasks/test_later_days.py",
)
"""Files of long tests that share nothing, so each goes wherever there is time."""
LONGEST = (
    *TOGETHER,
    *APART,
    "tests/tasks/",
    "tests/replay/",
    "tests/soak/",
    "tests/rules/",
    "tests/cli/",
    "tests/sql/",
)
"""What begins first, so that nobody waits for it at the end."""


def rank(path: str) -> int:
    """Return the place of a file in the order in which tests begin."""
    return next((at for at, one in enumerate(LONGEST) if path.startswith(one)), len(LONGEST))


class Scheduling(LoadScopeScheduling):
    """Gives workers what belongs together, in the order in which it was collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in APART else TOGETHER.get(file, file)
