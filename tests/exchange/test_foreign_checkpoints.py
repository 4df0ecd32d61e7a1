"""Checkpoints of others are read without running anything in them."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from translate.errors import SettingsError, WeightsError
from translate.exchange.foreign_checkpoints import read_checkpoint

TENSORS = OrderedDict([("a.weight", torch.arange(6.0).reshape(2, 3)), ("a.bias", torch.ones(2))])


def saved(path: Path, content: Any, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module."])
@pytest.mark.fault("S-2")
def test_tensors_are_read_without_the_prefixes_of_wrappers(tmp_path: Path, legacy: bool, prefix: str) -> None:
    path = saved(tmp_path / "w.pth", OrderedDict((prefix + name, tensor) for name, tensor in TENSORS.items()), legacy)
    found = read_checkpoint(path)
    assert list(found) == list(TENSORS)
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.skipif(torch.cuda.device_count() > 3, reason="such a device is here")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.fault("I-22")
def test_what_another_device_saved_is_read_on_the_cpu(
    tmp_path: Path, legacy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(torch.serialization, "location_tag", lambda storage: "cuda:3")
        path = saved(tmp_path / "a.pth", {"a.weight": torch.ones(2)}, legacy)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(path, weights_only=True)
    tensor = read_checkpoint(path)["a.weight"]
    assert (tensor.device.type, tensor.tolist()) == ("cpu", [1.0, 1.0])


def test_safetensors_are_read_as_well_and_halves_become_whole(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in TENSORS.items()}
    safetensors.torch.save_file(halves, tmp_path / "w.safetensors")
    found = read_checkpoint(tmp_path / "w.safetensors")
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert torch.equal(found["a.weight"], TENSORS["a.weight"])


def test_an_export_of_our_own_needs_no_import(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(TENSORS, path, {"translate": "{}"})
    assert "is an export of translate already" in refusal(path)


def test_the_network_of_a_bundle_is_found_and_several_are_asked_about(tmp_path: Path) -> None:
    one = saved(tmp_path / "one.pth", {"epoch": 3, "state_dict": TENSORS})
    assert read_checkpoint(one).keys() == TENSORS.keys()
    two = saved(tmp_path / "two.pth", {"params": TENSORS, "params_ema": {"b": torch.ones(1)}})
    with pytest.raises(SettingsError, match=r"several networks: params, params_ema. Name one with --part\."):
        read_checkpoint(two)
    assert read_checkpoint(two, "params_ema").keys() == {"b"}
    with pytest.raises(SettingsError, match="has no part 'ema'"):
        read_checkpoint(saved(tmp_path / "w.pth", TENSORS), "ema")


class Malicious:
    """Would make a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("form", ["zip", "legacy", "plain", "protocol 4"])
@pytest.mark.fault("S-1")
def test_a_pickle_that_runs_code_is_refused_with_what_it_wanted(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary, path = tmp_path / "canary", tmp_path / "w.pth"
    evil = {"w": torch.ones(1), "x": Malicious(canary)}
    if form in ("zip", "legacy"):
        saved(path, evil, form == "legacy")
    else:
        path.write_bytes(pickle.dumps(Malicious(canary), protocol=4 if form == "protocol 4" else 2))
    calls: list[Any] = []
    load = torch.load
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # of no use to whoever set it
    monkeypatch.setattr(torch, "load", lambda *words, **options: (calls.append(options), load(*words, **options))[1])
    sentence = refusal(path)
    assert "posix.system" in sentence or "os.system" in sentence
    assert "nothing of it was run" in sentence
    assert not canary.exists()
    assert [options["weights_only"] for options in calls] == [True]  # and it was not tried again in another way
    assert pickle.loads(pickle.dumps(Malicious(tmp_path / "other"))) == 0  # it is malicious indeed
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.fault("S-2")
def test_a_whole_module_is_refused_by_name(tmp_path: Path, legacy: bool) -> None:
    sentence = refusal(saved(tmp_path / "w.pth", nn.Sequential(nn.Conv2d(1, 1, 1)), legacy))
    assert "torch.nn.modules.container.Sequential" in sentence
    assert "state_dict()" in sentence


@pytest.mark.parametrize("kept", [0, 1, 10, 200, -1, -200])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int, legacy: bool) -> None:
    path = saved(tmp_path / "w.pth", {"w": torch.randn(100)}, legacy)
    path.write_bytes(path.read_bytes()[:kept])
    assert "not a readable checkpoint" in refusal(path)


@pytest.mark.fault("S-3")
def test_what_cannot_be_read_is_not_tried_again_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def load(*words: Any, **options: Any) -> None:
        calls.append(options)
        raise pickle.UnpicklingError("Weights only load failed.")

    path = saved(tmp_path / "w.pth", TENSORS)
    monkeypatch.setattr(torch, "load", load)
    assert "not a readable checkpoint" in refusal(path)
    assert [options["weights_only"] for options in calls] == [True]


@pytest.mark.parametrize("content", [3, [torch.ones(1)], {}, {"a": 1}, torch.ones(2)])
def test_what_holds_no_named_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    assert "holds no named tensors" in refusal(saved(tmp_path / "w.pth", content))


@pytest.mark.fault("S-7")
def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    assert "not finite or larger than 1e+09, first in b" in refusal(
        saved(tmp_path / "w.pth", {"a": torch.ones(1), "b": torch.tensor([0 / 1, torch.nan])})
    )


def test_a_missing_file_and_a_torch7_file_are_refused(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "none.pth")
    (tmp_path / "old.t7").write_bytes(b"\x04\x00\x00\x00\x01\x00\x00\x00nn.Sequential" * 9)
    assert "not a readable checkpoint" in refusal(tmp_path / "old.t7")
