"""What `auto` chooses, and what is said where a machine lacks something."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from translate import devices
from translate.devices import ENTRANCES, Engine, engine, engine_to_train
from translate.errors import DeviceError
from translate.networks.resnet import Resnet

MUCH = 1e9  # GMAC


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which compiling succeeds at once."""
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # so that it is restored
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.setattr(torch, "compile", lambda function: function)


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, compiler: None) -> None:
    """A machine without one."""

    def broken(function: Any) -> Any:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found.\n\nSet TORCHDYNAMO_VERBOSE=1 for more")

    monkeypatch.setattr(torch, "compile", broken)


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    ("word", "gmac", "compiled"),
    [("off", MUCH, False), ("on", 0.0, True), ("auto", 0.0, False), ("auto", MUCH, True)],
)
def test_auto_compiles_where_the_planned_work_repays_it(word: Any, gmac: float, compiled: bool) -> None:
    found = engine("cpu", "fp32", word, gmac)
    assert found.compiled is compiled
    assert str(found).endswith("compiled") is compiled


@pytest.mark.usefixtures("compiler")
def test_with_amx_less_work_repays(monkeypatch: pytest.MonkeyPatch) -> None:
    of_400_pictures = 400 * 50.0
    for has_amx in (False, True):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda has_amx=has_amx: has_amx)
        assert engine("cpu", "bf16", "auto", of_400_pictures).compiled is has_amx
        assert not engine("cpu", "fp32", "auto", of_400_pictures).compiled


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(("word", "compiled"), [("auto", False), ("on", True), ("off", False)])
def test_trainings_are_compiled_on_a_cpu_only_when_that_is_said(word: Any, compiled: bool) -> None:
    assert engine_to_train("cpu", "fp32", word).compiled is compiled


@pytest.mark.parametrize(
    ("word", "lacking", "compiled"), [("auto", "", True), ("off", "", False), ("auto", "x", False)]
)
def test_trainings_are_compiled_on_a_gpu_where_that_can_be_done(
    monkeypatch: pytest.MonkeyPatch, word: Any, lacking: str, compiled: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(devices, "_missing_for_compiling", lambda _: lacking)
    found = engine_to_train("cuda:0", "fp32", word)
    assert found.compiled is compiled
    assert found.note == ("Networks are not compiled, which would have been faster: x." if lacking else "")


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("word", ["on", "off"])
def test_networks_are_brought_there_and_compiled(monkeypatch: pytest.MonkeyPatch, word: Any) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda network: compiled.append(network))
    network = nn.Conv2d(2, 2, 3)
    engine("cpu", "fp32", word).ready([network])
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert compiled == [network] * (word == "on")


@pytest.mark.usefixtures("compiler")
def test_what_is_compiled_is_kept_in_the_users_folder(tmp_path: Path) -> None:
    engine("cpu", "fp32", "on")
    assert devices.os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "compiled")


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_auto_goes_on_and_says_so() -> None:
    found = engine("cpu", "fp32", "auto", MUCH)
    assert not found.compiled
    assert found.note.endswith("would have been faster: InvalidCxxCompiler: No working C++ compiler found.")
    assert not engine("cpu", "fp32", "auto", 0.0).note


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_on_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"for cpu: .*No working C\+\+ compiler found\. Install a C\+\+ compiler"):
        engine("cpu", "fp32", "on")


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp16"), ((7, 0), "fp16"), ((6, 1), "fp32")],
)
def test_a_gpu_computes_in_what_it_is_made_for(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], precision: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert engine("cuda:0").precision == precision


@pytest.mark.fault("I-19")
def test_a_gpu_goes_on_in_bf16_where_fp32_was_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (6, 1))
    narrowed = engine("cuda:0").narrowed()
    assert narrowed
    assert (str(narrowed), narrowed.narrowed()) == ("cuda:0, bf16, contiguous", None)
    assert engine("cuda:0", "fp32").narrowed() is None
    assert engine("cpu").narrowed() is None
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    assert engine("cuda:0").narrowed() is None


@pytest.mark.parametrize("has_bf16", [False, True])
def test_a_cpu_computes_in_bf16_where_it_multiplies_that(monkeypatch: pytest.MonkeyPatch, has_bf16: bool) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has_bf16)
    assert engine("cpu").precision == ("bf16" if has_bf16 else "fp32")


LIMITS = {  # of groups in a tree of version 2, and in that of version 1: limit, taken, and of that by files
    "memory.max": "memory.limit_in_bytes",
    "memory.current": "memory.usage_in_bytes",
    "inactive_file": "total_inactive_file",
}


def test_what_a_generator_is_called_by_in_training_is_compiled_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(torch, "compile", lambda function, **_: found.append(function.__name__) or function)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda *_, **__: found.append("forward"))
    generator = Resnet(width=2, blocks=1).build(3, 3)
    Engine(torch.device("cpu"), torch.float32, torch.contiguous_format, compiled=True).ready_to_train([generator])
    assert found == ["forward", *ENTRANCES]
    assert generator.state_dict().keys() == Resnet(width=2, blocks=1).build(3, 3).state_dict().keys()
