"""Solidity sources, their committed ABI and bytecode, and the chain adapter."""
