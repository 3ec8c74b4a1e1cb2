"""Hardware in the loop: the twin as the street of a real controller, behind a real broker, with faults."""
