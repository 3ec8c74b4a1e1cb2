"""Sweeps: scenarios × parameters × seeds, on this machine's processes or on a Ray cluster, as one Parquet table."""
