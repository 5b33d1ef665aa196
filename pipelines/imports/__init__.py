"""Readers of the files that vendors' portals export, for those who have no API access."""
