"""Advice on single people and vacancies: explained scores, screening, fairness, and what would have helped."""
