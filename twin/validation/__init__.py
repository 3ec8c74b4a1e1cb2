"""Every model against theory, another tool or data: comparisons that `python -m twin validate` prints and tests use."""
