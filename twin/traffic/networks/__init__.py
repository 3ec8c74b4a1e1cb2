"""Networks: SUMO files found, built, imported and checked."""
