"""Who trades: groups of traders as mesa agents that own columns, and the market's days that they live through."""
