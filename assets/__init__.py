"""What Dagster knows of turnout; `definitions` is the table of contents."""

import warnings

import dagster as dg

warnings.filterwarnings("ignore", "Parameter `owners`", dg.BetaWarning)  # pinned to this version, in which it works
