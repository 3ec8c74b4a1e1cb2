"""Market data: candles, volatility, price impact, concentration of holdings; offsets against targets."""
