"""Simulation: SUMO driven from decision to decision, with detectors, events and measures; hours in batches."""
