"""Panels: where the sun is, what a plane gives, by pvlib's ModelChain or by a fast kernel that agrees with it."""
