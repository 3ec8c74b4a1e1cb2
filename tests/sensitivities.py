"""A sensitivity analysis as the command gives it, made up."""


def sensitivity_of(digest):
    effects = [
        {
            "assumption": path, "low": 1.0, "high": 2.0, "unit": "Rp/t", "mu_star": move, "half_width": 80.0,
            "sigma": 5.0, "mu": -move, "direction": "down", "confidence": confidence, "source": "assumed",
            "first": 0.6, "first_half_width": 0.1, "total": total, "total_half_width": 0.1,
        }
        for path, move, confidence, total in (
            ("carbon.wtp_idr", 1200.0, "prior", 0.7), ("carbon.price_start_idr", 300.0, "official", 0.3),
        )
    ]  # fmt: skip
    figure = {"unit": "tCO2e", "walks": 4, "base_points": 16, "effects": effects}
    return {"scenario": "smoke", "digest": digest, "seeds": [1, 2], "varied": ["x"] * 30,
            "figures": {"ecobalance_volume_tco2e": figure}}  # fmt: skip
