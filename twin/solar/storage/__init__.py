"""The battery: its limits, one hour of it, its ageing, and the best that could be done with it."""
