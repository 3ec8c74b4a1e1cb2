"""Service apps, container files, units, and the exporter's templates."""
