"""The matching engine: one compiled core, called for one order or for a whole array of them; a journal; a CSV front."""
