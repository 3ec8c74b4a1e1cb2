"""Another tool: NREL's PVWatts (PySAM, a development extra) on the same year of weather."""

import warnings

import numpy as np
import pytest

pytest.importorskip("PySAM", reason="PySAM is not installed (pip install NREL-PySAM)")

from benchmarks.solar import chain_loop, offices, pysam
from twin.solar.weather.synthetic import Places


def test_another_tool_pvwatts_of_sam_agrees_within_its_other_models():
    # SAM dims diffuse light by its angle too, and loses 0.37 % a degree where we lose 0.35 %: ours gives 2 to 4 % more.
    places, hours, weather = offices(1)
    places = Places(places.latitude_deg, places.longitude_deg, np.zeros(1), places.of_site)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pysam(places.latitude_deg[0], places.longitude_deg[0], hours, weather, 0)
        ours = chain_loop(places, hours, weather)[0].sum()
    theirs = np.sum(model.Outputs.ac)
    assert 1.01 < ours / theirs < 1.05
    ground = np.sum(model.Outputs.poa)
    assert ground / 1000 == pytest.approx(1850, rel=0.15)
