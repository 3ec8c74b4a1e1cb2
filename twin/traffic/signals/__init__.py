"""Signals: plans read from a network, fixed-time programmes worked out, every baseline."""
