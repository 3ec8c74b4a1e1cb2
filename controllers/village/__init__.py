"""A village office's battery: the same idea of bundle, guard and loop."""
