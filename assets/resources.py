"""What assets work with: the workspace, opened anew for each step so that settings changed since are seen."""

import dagster as dg

from pipelines.run import Workspace


class TurnoutHome(dg.ConfigurableResource):
    """One TURNOUT_HOME with the connections of the environment, which alone holds secrets."""

    def open(self) -> Workspace:
        """Return the workspace."""
        return Workspace()
