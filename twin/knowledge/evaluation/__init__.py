"""How well questions are answered: measures with intervals, beside plain BM25 on the same passages."""
