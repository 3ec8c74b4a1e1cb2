"""PLN's interruptions: how often and how long, and what they cost an office."""
