"""The present state from what detectors tell: an estimate with its uncertainty, scored where the truth is known."""
