"""Calibration: which parameters would have made the figures that were measured, and how well they can be told."""
