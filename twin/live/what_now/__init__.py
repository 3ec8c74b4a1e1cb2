"""What now: from the state that was estimated just now, the next minutes with an event and without it."""
