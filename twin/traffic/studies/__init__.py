"""Studies: baselines tuned and compared, saturation flow measured."""
