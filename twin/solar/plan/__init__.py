"""Plans: what systems cost and save, in which order they are built, which size would do, and the book's claims."""
