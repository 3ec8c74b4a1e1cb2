"""Demand: counts become an hour of vehicles and pedestrians, calibrated to what was observed."""
