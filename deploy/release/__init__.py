"""Releases: exported from a run, compared, put in force, rolled back, rolled out to junctions."""
