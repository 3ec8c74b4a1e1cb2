"""Forecast: days lived on a network, models of the next hour, the public feed."""
