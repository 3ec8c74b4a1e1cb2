"""Where the offices are."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import PlacesError
from twin.places import (
    PlacesOptions,
    Position,
    distance_km,
    import_places,
    kecamatan,
    limits,
    load_positions,
    villages,
    write_positions,
)

GOOD = "35.03.01.2001,-8.24,111.42\n"


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "offices.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_14_kecamatan_152_desa_and_5_kelurahan():
    kinds = [site.kind for site in villages()]
    assert (len(kecamatan()), kinds.count("desa"), kinds.count("kelurahan")) == (14, 152, 5)
    assert len({site.code for site in villages()}) == 157
    codes = {k.name: k.code for k in kecamatan()}
    assert all(site.code.startswith(codes[site.kecamatan] + ".") for site in villages())


def test_every_seat_lies_in_the_regency_and_says_how_well_it_is_known():
    box = limits()
    for seat in kecamatan():
        assert box["latitude_min_deg"] < seat.latitude_deg < box["latitude_max_deg"]
        assert box["longitude_min_deg"] < seat.longitude_deg < box["longitude_max_deg"]
        assert seat.location_precision == "kecamatan_seat_0.02deg"


def test_theory_a_degree_of_latitude():
    assert distance_km(-8, 111, -9, 111) == pytest.approx(111.19, abs=0.01)


def test_an_office_without_a_position_stands_at_its_seat():
    moved = PlacesOptions(positions=(Position(code="35.03.01.2001", latitude_deg=-8.24, longitude_deg=111.42),))
    sites = {site.code: site for site in moved.sites()}
    assert sites["35.03.01.2001"].location_precision == "office_imported"
    assert sites["35.03.01.2002"].location_precision == "kecamatan_seat_0.02deg"
    assert len(sites) == 157


@pytest.mark.parametrize(
    "text",
    [
        "code,latitude_deg,longitude_deg\n" + GOOD,
        "\ufeffKODE;Lat;Lng\n" + GOOD.replace(",", ";"),
        "nama,lon,lat,kode\nBesuki,111.42,-8.24,35.03.01.2001\n",
        "code,lat,lon,elevation\n35.03.01.2001,-8.24,111.42,\n\n",
    ],
)
def test_headers_and_separators_as_people_have_them(tmp_path: Path, text: str):
    (position,) = import_places(table(tmp_path, text))
    assert (position.code, position.latitude_deg, position.longitude_deg) == ("35.03.01.2001", -8.24, 111.42)
    assert position.elevation_m is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("35.03.01.9001,-8.24,111.42", "line 2: unknown village code '35.03.01.9001'; did you mean"),
        ("35.03.01.2001,-6.2,106.8", "outside the regency"),
        ("35.03.01.2001,111.42,-8.24", "latitude and longitude seem swapped"),
        ("35.03.01.2001,8.24,111.42", "the minus sign of the latitude is missing"),
        ("35.03.01.2001,-7.9,111.88", "km from the seat of Panggul"),
        ('35.03.01.2001,"-8,24",111.42', "'-8,24' is not a number; write -8.24"),
        ("35.03.01.2001,nan,111.42", "'nan' is not a number"),
        ("35.03.01.2001,,111.42", "latitude_deg: '' is not a number"),
        (GOOD + GOOD, "line 3: code 35.03.01.2001: given twice (first on line 2)"),
    ],
)
def test_a_wrong_row_is_told_its_fault(tmp_path: Path, rows: str, words: str):
    with pytest.raises(PlacesError) as caught:
        import_places(table(tmp_path, "code,lat,lon\n" + rows))
    assert words in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path):
    text = "code,lat,lon,name\n35.03.01.9001,-8.24,111.42,\n35.03.01.2001,-6,106,\n35.03.01.2002,-8.2,111.4,Besuki\n"
    with pytest.raises(PlacesError) as caught:
        import_places(table(tmp_path, text))
    assert len(caught.value.faults) == 3
    assert "35.03.01.2002 is Terbis, not 'Besuki'" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"code,lat,lon\n", "has a header and no rows"),
        (b"code,latt,lon\n1,2,3\n", "is 'latt' meant?"),
        (b"village,x,y\n1,2,3\n", "no column code"),
        (b"code,lat,lon\n\xff,1,2\n", "is not UTF-8"),
    ],
)
def test_a_wrong_file_is_told_its_fault(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(PlacesError, match=words.replace("?", r"\?")):
        import_places(tmp_path / "x.csv")
    with pytest.raises(PlacesError, match="cannot be read"):
        import_places(tmp_path / "nothing.csv")


def test_nothing_is_overwritten_unasked(tmp_path: Path):
    position = Position(code="35.03.01.2001", latitude_deg=-8.24, longitude_deg=111.42)
    write_positions([position], tmp_path / "p.csv")
    with pytest.raises(PlacesError, match="is there already"):
        write_positions([], tmp_path / "p.csv")
    write_positions([], tmp_path / "p.csv", force=True)
    assert list(tmp_path.iterdir()) == [tmp_path / "p.csv"]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_written_is_read_back(tmp_path_factory, data):
    chosen = data.draw(st.lists(st.sampled_from(villages()), unique_by=lambda s: s.code, min_size=1, max_size=20))
    offsets = st.floats(-0.05, 0.05)
    positions = tuple(
        Position(
            code=site.code,
            latitude_deg=site.latitude_deg + data.draw(offsets),
            longitude_deg=site.longitude_deg + data.draw(offsets),
            elevation_m=data.draw(st.none() | st.floats(0, 1200)),
        )
        for site in sorted(chosen, key=lambda s: s.code)
    )
    path = tmp_path_factory.mktemp("places") / "p.csv"
    write_positions(positions, path)
    assert load_positions(path) == positions


def test_a_table_of_all_157_offices_is_taken(root: Path):
    path = root.parent / "shared" / "data" / "sites_trenggalek.csv"
    if not path.is_file():
        pytest.skip("the table of village centroids is not beside this checkout")
    positions = import_places(path)
    assert len(positions) == 157
    assert all(position.elevation_m is not None for position in positions)
