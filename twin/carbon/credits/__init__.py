"""Credits: measured reductions, the ledger they become part of, IDXCarbon and its register, price sync."""
