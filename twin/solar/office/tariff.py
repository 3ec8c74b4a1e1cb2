"""PLN's price of a kilowatt-hour by the size of the connection."""

from __future__ import annotations

from twin.solar.facts import rows


def tariff_idr_per_kwh(connection_va: int) -> float:
    """Tariff of the class that a connection [VA] falls into; raises ValueError where there is none."""
    for row in rows("tariffs"):
        if int(row["from_va"]) <= connection_va <= int(row["to_va"]):
            return float(row["idr_per_kwh"])
    classes = "; ".join(f"{row['class']}: {row['from_va']} to {row['to_va']}" for row in rows("tariffs"))
    raise ValueError(f"no tariff class for a connection of {connection_va} VA ({classes})")
