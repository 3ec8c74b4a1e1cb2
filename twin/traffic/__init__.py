"""The traffic twin: road networks, an hour of demand in SUMO, and its measures."""
