"""Migrations of the services' tables, forward and back."""
