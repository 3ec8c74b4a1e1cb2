"""Gymnasium and PettingZoo views of the twin; no physics lives here."""
