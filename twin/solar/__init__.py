"""The solar twin: labelled synthetic weather, pvlib, a battery, and what an office saves."""
