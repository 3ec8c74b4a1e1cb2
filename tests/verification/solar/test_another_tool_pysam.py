"""Another tool: NREL's PVWatts (PySAM, a development extra) on the same year of weather."""

import warnings

import numpy as np
import pytest

pytest.importorskip("PySAM", reason="PySAM is not installed (pip install NREL-PySAM)")

from twin.validation.solar import at_sea_level, pvwatts, pysam


def test_another_tool_pvwatts_of_sam_agrees_within_its_other_models():
    (found,) = pvwatts()
    assert found.agrees
    assert 0.01 < found.difference < 0.05  # SAM's other models take 2 to 4 % off: none of it would be a chance


def test_the_year_is_one_that_sam_finds_likely():
    places, hours, weather = at_sea_level(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pysam(places.latitude_deg[0], places.longitude_deg[0], hours, weather, 0)
    assert np.sum(model.Outputs.poa) / 1000 == pytest.approx(1850, rel=0.15)
