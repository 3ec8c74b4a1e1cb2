"""Learning algorithms' entry points (one file each), evaluation, and export to a bundle."""
