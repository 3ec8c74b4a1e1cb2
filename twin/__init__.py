"""The city twin: one scenario file, one city of modules on one calendar, one run file."""
