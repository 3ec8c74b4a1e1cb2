"""The committed artefacts are what the committed sources compile to."""

import json

import pytest

from contracts import artefacts


def test_every_artefact_and_source_has_the_digest_of_the_manifest():
    manifest = json.loads((artefacts.FOLDER / artefacts.MANIFEST).read_text(encoding="utf-8"))
    for folder, kind in ((artefacts.SOURCES, "sources"), (artefacts.FOLDER, "artefacts")):
        found = {
            p.name: artefacts.sha256(p.read_text(encoding="utf-8"))
            for p in folder.iterdir()
            if p.name != artefacts.MANIFEST
        }
        assert found == manifest[kind]


def test_every_contract_fits_on_a_chain_and_every_source_on_a_few_screens():
    assert len(artefacts.names()) == 8
    for name in artefacts.names():
        assert artefacts.load(name)["deployed_bytes"] <= artefacts.CODE_LIMIT_BYTES
    for path in artefacts.SOURCES.glob("*.sol"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path.name


def test_an_artefact_that_was_tampered_with_is_refused(tmp_path, monkeypatch):
    for path in artefacts.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "Settlement.json").write_text(
        (tmp_path / "Settlement.json").read_text().replace(chr(34) + "0x6", chr(34) + "0x7", 1)
    )
    monkeypatch.setattr(artefacts, "FOLDER", tmp_path)
    with pytest.raises(artefacts.ArtefactError, match=r"Settlement\.json: differs from its digest"):
        artefacts.load.__wrapped__("Settlement")
    with pytest.raises(artefacts.ArtefactError, match="no such contract"):
        artefacts.load.__wrapped__("Settlment")


@pytest.mark.skipif(not (artefacts.HERE / "node_modules").is_dir(), reason="needs contracts/node_modules")
def test_compiling_again_gives_the_same_bytes():
    for name, text in artefacts.texts(artefacts.compiled()).items():
        assert (artefacts.FOLDER / name).read_text(encoding="utf-8") == text
