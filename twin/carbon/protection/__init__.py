"""Protection of the market: detection of manipulation from orders and trades, and how well it works."""
