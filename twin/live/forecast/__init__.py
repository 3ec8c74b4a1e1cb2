"""Forecast: flow and travel time of every watched road in 15, 30 and 60 minutes, from a live day's readings."""
