"""Signals: what the junctions' controllers tell, the public traffic feed, and releases rolled out to them."""
