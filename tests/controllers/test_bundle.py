"""Bundles: the same policy gives the same bytes, and whatever was tampered with is refused in one line."""

import json
import shutil
import sys

import numpy as np
import onnx
import pytest
from controllers_bundles import PLAN, SITE, contract, network, network_contract
from onnx import TensorProto, helper, numpy_helper

from controllers import bundle as bundles
from controllers.bundle import GOLDEN, MANIFEST, POLICY, SIGNATURE, key_bytes, load, new_keys, write
from controllers.cli import main
from controllers.errors import BundleError, ControllerError
from controllers.onnx_file import check_onnx
from controllers.site import canonical, site_of


@pytest.fixture
def made(tmp_path):
    return write(tmp_path / "b", "tiny", network_contract(), network()).folder


def files_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_bundle_comes_back_and_the_same_policy_gives_the_same_bytes(made, tmp_path):
    again = write(tmp_path / "again", "tiny", network_contract(), network())
    assert files_of(made) == files_of(again.folder)
    assert again.runner.site == SITE
    assert load(made).signed_by is None


def test_a_tampered_byte_anywhere_is_refused(made, tmp_path):
    rng = np.random.default_rng(1)
    for name, data in files_of(made).items():
        places = {0, len(data) - 1, *rng.integers(0, len(data), 25).tolist()}
        for place in places:
            broken = tmp_path / "broken"
            shutil.copytree(made, broken)
            changed = bytearray(data)
            changed[place] ^= 1 << int(rng.integers(0, 8))
            (broken / name).write_bytes(changed)
            with pytest.raises(BundleError) as caught:
                load(broken)
            assert "\n" not in str(caught.value)
            shutil.rmtree(broken)


@pytest.mark.parametrize("name", [MANIFEST, GOLDEN, POLICY, "contract.json"])
def test_a_missing_file_is_named(made, name):
    (made / name).unlink()
    with pytest.raises(BundleError, match=name):
        load(made)


def test_what_has_no_place_in_a_bundle_is_refused(made, tmp_path):
    (made / "run.py").write_text("import os")
    with pytest.raises(BundleError, match=r"run\.py: has no place"):
        load(made)
    (made / "run.py").unlink()
    (made / POLICY).rename(tmp_path / POLICY)
    (made / POLICY).symlink_to(tmp_path / POLICY)
    with pytest.raises(BundleError, match="no regular file"):
        load(made)


def test_a_file_that_is_too_large_is_refused_unread(made, monkeypatch):
    monkeypatch.setitem(bundles.MOST_BYTES, POLICY, 100)
    with pytest.raises(BundleError, match=r"policy\.onnx: has \d+ bytes; at most 100"):
        load(made)


def sealed_again(folder, name: str, data: bytes) -> None:
    """Change a file and mend every hash, as somebody without the key could."""
    import hashlib

    (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    del manifest["digest"]
    manifest["digest"] = hashlib.sha256(canonical(manifest)).hexdigest()
    (folder / MANIFEST).write_bytes(canonical(manifest))


def test_a_golden_answer_that_differs_is_refused(made):
    golden = json.loads((made / GOLDEN).read_text())
    golden["answers"][3]["wanted"] = [1 - golden["answers"][3]["wanted"][0]]
    sealed_again(made, GOLDEN, canonical(golden))
    with pytest.raises(BundleError, match=r"golden\.json: answer 3 differs"):
        load(made)


def test_another_network_does_not_give_the_golden_answers(made):
    sealed_again(made, POLICY, network(weight=-1.0))
    with pytest.raises(BundleError, match=r"golden\.json: answer 0 differs"):
        load(made)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (network(weight=float("nan")), "no numbers"),
        (network(operator="FusedMatMul", domain="com.microsoft"), "com.microsoft"),
        (network(operator="NonZero"), "'NonZero' of domain 'ai.onnx' is not allowed"),
        (network(width=5), "gives"),
        (b"import os", "is no ONNX model"),
        (b"", "graphs"),
    ],
)
def test_a_network_that_must_not_run_is_refused(made, policy, words):
    sealed_again(made, POLICY, policy)
    with pytest.raises(BundleError, match=r"policy\.onnx") as caught:
        load(made)
    assert words in str(caught.value)


def test_weights_from_another_file_functions_and_inner_graphs_are_refused():
    model = onnx.load_from_string(network())
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "../../etc/passwd")
    with pytest.raises(BundleError, match="weights in another file"):
        check_onnx(POLICY, model.SerializeToString())
    model = onnx.load_from_string(network())
    model.functions.add(name="f", domain="own")
    with pytest.raises(BundleError, match="functions"):
        check_onnx(POLICY, model.SerializeToString())
    model = onnx.load_from_string(network())
    inner = helper.make_graph([], "inner", [], [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner))
    with pytest.raises(BundleError, match="graph or sparse"):
        check_onnx(POLICY, model.SerializeToString())
    model = onnx.load_from_string(network())
    model.graph.initializer.append(numpy_helper.from_array(np.array(["a"], dtype=object), "s"))
    with pytest.raises(BundleError, match=f"tensor of type {TensorProto.STRING}"):
        check_onnx(POLICY, model.SerializeToString())


def test_the_walker_agrees_with_onnx_on_operators_and_weights():
    check_onnx(POLICY, network())
    model = onnx.load_from_string(network())
    model.graph.initializer[0].CopyFrom(helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, float("inf")]))
    with pytest.raises(BundleError, match="NaN or infinite"):  # as a list of floats, not as raw bytes
        check_onnx(POLICY, model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision_s": "5"}, "decision_s"),
        ({"policy": {"kind": "rule", "rule": "os.system", "settings": {}}}, "none of"),
        ({"policy": {"kind": "rule", "rule": "max_pressure", "settings": {"evil": 1.0}}}, "settings of max_pressure"),
        ({"policy": {"kind": "pickle"}}, "neither"),
        ({"safety": {"stale_s": 5.0}}, "safety"),
        ({"extra": 1}, "unknown: extra"),
        ({"inputs": {"movements": 1}}, "no network, inputs"),
    ],
)
def test_a_contract_that_is_not_as_it_should_be_is_refused(tmp_path, change, words):
    with pytest.raises(BundleError, match=words):
        write(tmp_path / "b", "x", contract(**change))
    assert not (tmp_path / "b").exists()
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_a_plan_with_conflicting_phases_is_refused(tmp_path):
    site = SITE.as_json()
    site["junctions"][0]["plan"]["phases"] = ["GGr", "rGG"]
    with pytest.raises(BundleError, match=r"corner: .*links 0 and 1 green with right of way") as caught:
        write(tmp_path / "b", "x", contract() | {"site": site})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"policy": {"kind": "rule", "rule": [], "settings": {}}},
        {"site": {"name": 1, "zones": [], "junctions": [1]}},
        {"decision_s": None},
        {"safety": []},
        {"inputs": [[]]},
    ],
)
def test_nonsense_with_mended_hashes_is_refused_in_one_line(tmp_path, change):
    folder = write(tmp_path / "b", "x", contract()).folder
    sealed_again(folder, "contract.json", canonical(contract() | change))
    with pytest.raises(BundleError, match=r"contract\.json") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("files", [[], {"golden.json": 3}, 7])
def test_a_manifest_of_another_shape_is_refused(made, files):
    import hashlib

    manifest = json.loads((made / MANIFEST).read_text()) | {"files": files}
    del manifest["digest"]
    manifest["digest"] = hashlib.sha256(canonical(manifest)).hexdigest()
    (made / MANIFEST).write_bytes(canonical(manifest))
    with pytest.raises(BundleError):
        load(made)


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(BundleError, match="no bundle"):
        write(tmp_path / "mine", "x", contract())
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_a_signature_is_checked_and_can_be_required(tmp_path):
    public = new_keys(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    signed = write(tmp_path / "b", "x", contract(), private_key=key_bytes(tmp_path / "key"))
    assert signed.signed_by == public
    assert load(signed.folder, bytes.fromhex(public)).signed_by == public
    (tmp_path / "other").write_text(new_keys(tmp_path / "key2"))
    with pytest.raises(BundleError, match="not with the one that is required"):
        load(signed.folder, key_bytes(tmp_path / "other"))
    sealed_again(signed.folder, GOLDEN, (signed.folder / GOLDEN).read_bytes())
    told = json.loads((signed.folder / SIGNATURE).read_text())
    told["signature"] = "00" * 64
    (signed.folder / SIGNATURE).write_bytes(canonical(told))
    with pytest.raises(BundleError, match="does not fit the manifest"):
        load(signed.folder)
    (signed.folder / SIGNATURE).unlink()
    with pytest.raises(BundleError, match="a signature is required"):
        load(signed.folder, bytes.fromhex(public))
    with pytest.raises(ControllerError, match="cannot be made"):
        new_keys(tmp_path / "key")


def test_a_signature_without_the_library_is_refused_not_ignored(tmp_path, monkeypatch):
    new_keys(tmp_path / "key")
    signed = write(tmp_path / "b", "x", contract(), private_key=key_bytes(tmp_path / "key"))
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(ControllerError, match="need cryptography"):
        load(signed.folder)


def test_the_command_line_gives_a_verdict(made, capsys):
    assert main(["verify", str(made), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["junctions"] == [PLAN.name]
    (made / GOLDEN).write_bytes(b"{}")
    assert main(["verify", str(made), "--json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out) == {"ok": False, "fault": told.err.strip()}
    assert "golden.json" in told.err


def test_a_site_comes_back_from_json_and_all_its_faults_are_told():
    assert site_of(json.loads(json.dumps(SITE.as_json()))) == SITE
    broken = SITE.as_json()
    broken["junctions"][0]["plan"]["yellow_s"] = "3"
    broken["junctions"].append({"plan": SITE.as_json()["junctions"][0]["plan"], "zone_of": [0], "exit_of": [9, -1, -1]})
    with pytest.raises(ControllerError) as caught:
        site_of(broken)
    for words in ("junction 0 (corner): yellow_s is '3'", "zone_of has one entry", "exit_of names zones"):
        assert words in str(caught.value)
