"""Which assumptions decide each target: Morris's screening of every assumption that states a range."""
