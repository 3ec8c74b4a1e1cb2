"""Drift: whether demand, detectors, weather or the policy are no longer what they were, at a known false-alarm rate."""
