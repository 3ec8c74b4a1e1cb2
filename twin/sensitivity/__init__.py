"""Which assumptions decide each target: Morris's screening of every range that is stated, then Sobol's shares."""
