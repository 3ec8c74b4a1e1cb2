"""The carbon market: an order book with its protections, four mechanisms, credits and their ledger, traders."""
