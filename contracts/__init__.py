"""Contracts of EcoBalance and the crypto programme: Solidity, committed artefacts, and the adapter to a chain."""
