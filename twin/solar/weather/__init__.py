"""Weather: synthetic years from labelled priors, files of the usual sources with checks, and a fetch for the online."""
