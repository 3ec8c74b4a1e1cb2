"""LARAS, who answers personnel questions from documents: shortly, with quotes, or not at all."""
