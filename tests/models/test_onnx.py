"""An ONNX file does what the model does, in any size, or it is not left behind; strangers' files are refused."""

import hashlib
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from translate.devices import engine
from translate.errors import DeviceError, SettingsError, WeightsError
from translate.inference.translator import Translator
from translate.methods import cut
from translate.methods.base import Method, MethodSettings
from translate.methods.cyclegan import Settings as CycleGAN
from translate.methods.discogan import Settings as DiscoGAN
from translate.methods.stargan import Settings as StarGAN
from translate.models import onnx as ours
from translate.models.about import About
from translate.models.exports import read_about, write_graph
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.networks.unet import UNet

pytestmark = pytest.mark.timeout(600)  # torch's exporter takes seconds, and on a busy machine minutes

TINY = CycleGAN(
    generator=Resnet(width=2, blocks=1, skip=True), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5
)
PATCHES = PatchGAN(width=2, layers=1)
STAR = StarGAN(
    generator=LabelResnet(width=2, blocks=0, residual=True),
    discriminator=Critic(width=2, layers=3),
    labels="attributes",
)


def model(settings: Any, domains: list[str], size: int) -> tuple[Method, About]:
    torch.manual_seed(0)
    about = About(method=settings.model_dump(), domains=domains, target=domains[-1], size=size, steps=1, planned=1)
    if settings is STAR:
        about = about.model_copy(update={"target": "", "attributes": True})
    return settings.build(domains, size).eval().requires_grad_(False), about


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CycleGAN's direction to its first domain."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    difference = write_graph(path, *model(TINY, ["horse", "zebra"], 16), "horse")
    assert 0 < difference < ours.TOLERANCE
    return path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(written, tmp_path))


def changed(path: Path, **metadata: str) -> Path:
    graph = onnx.load(path)
    entries = {entry.key: entry.value for entry in graph.metadata_props} | {"sha256": ""} | metadata
    onnx.helper.set_model_props(graph, {key: value for key, value in entries.items() if value})
    onnx.save(graph, path)
    return path


@pytest.mark.parametrize("size", [(16, 16), (1, 9), (37, 50), (20, 61)])
def test_a_picture_of_any_size_becomes_what_torch_makes_of_it(written: Path, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    method, about = model(TINY, ["horse", "zebra"], 16)
    wanted = Translator(method, about, engine("cpu", "fp32"))(picture, "horse", size="native")
    for to in ("horse", None):
        found = Translator.load(written)(picture, to, size="native")
        assert np.abs(found.astype(int) - wanted).max() <= 1


def test_the_file_says_what_it_is(written: Path) -> None:
    about = read_about(written)
    assert (about.domains, about.only, about.target) == (["horse", "zebra"], "horse", "horse")
    assert about.targets.directions == [("zebra", "horse")]
    graph = onnx.load(written)
    assert {entry.key: entry.value for entry in graph.metadata_props if entry.key not in ("translate", "sha256")} == {
        "multiple": "4",
        "smallest": "8",
    }
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", ours.OPSET)]


@pytest.mark.fault("S-22")
def test_it_is_one_file_without_external_data(written: Path) -> None:
    assert list(written.parent.iterdir()) == [written]
    graph = onnx.load(written, load_external_data=False)
    assert not any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.graph.initializer)
    onnx.checker.check_model(graph, full_check=True)


@pytest.mark.parametrize(
    ("settings", "domains", "to"),
    [
        (
            cut.Settings(generator=SkipResnet(width=2, blocks=1), discriminator=PATCHES, taps=("down1",)),
            ["a", "b"],
            None,
        ),
        (CycleGAN(generator=SkipResnet(width=2, blocks=1, halvings=3), discriminator=PATCHES), ["a", "b"], "b"),
        (CycleGAN(generator=UNet(width=2, depth=3, residual=True), discriminator=PATCHES), ["a", "b"], "b"),
        (DiscoGAN(generator=EncoderDecoder(width=2, residual=True)), ["a", "b"], "a"),
        (STAR, ["hat", "scarf"], "hat=1,scarf=0"),
    ],
    ids=lambda value: f"{value.name} {value.generator.kind}" if isinstance(value, MethodSettings) else None,
)
def test_other_methods_agree_too(tmp_path: Path, settings: Any, domains: list[str], to: str | None) -> None:
    assert write_graph(tmp_path / "model.onnx", *model(settings, domains, 64), to) < ours.TOLERANCE
    picture = np.zeros((40, 50, 3), np.uint8)
    assert Translator.load(tmp_path / "model.onnx")(picture, to).shape == picture.shape


@pytest.mark.parametrize("noise", [0.0, float("nan")])
@pytest.mark.fault("S-22")
def test_a_graph_that_differs_from_torch_is_not_left(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    class Other:
        """A graph of the other direction."""

        model = SimpleNamespace(metadata_props={})

        def save(self, path: Path, external_data: bool) -> None:
            stamp = ours.read_metadata(written)["sha256"].encode()
            path.write_bytes(written.read_bytes().replace(stamp, ours.UNSTAMPED))

    translate = ours.OnnxMethod.translate
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: Other())
    monkeypatch.setattr(ours.OnnxMethod, "translate", lambda self, x, target: translate(self, x, target) + noise)
    with pytest.raises(WeightsError, match=r"the largest difference is (\d\.\de[+-]0\d|nan), and 1e-04 is allowed"):
        write_graph(tmp_path / "model.onnx", *model(TINY, ["horse", "zebra"], 16), "zebra")
    assert not list(tmp_path.iterdir())


@pytest.mark.fault("S-22")
def test_what_does_not_fit_into_one_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "LARGEST", 100)
    with pytest.raises(WeightsError, match=r"an ONNX file less than 2\. Use \.safetensors"):
        write_graph(tmp_path / "model.onnx", *model(TINY, ["a", "b"], 16))


@pytest.mark.parametrize(
    ("to", "advice"),
    [("zebra", r" For zebra, export its run again with --to zebra, or train"), ("all", "$"), ("zbra", "$")],
)
def test_another_target_is_refused(written: Path, to: str, advice: str) -> None:
    about = read_about(written)
    with pytest.raises(SettingsError, match=rf"translates to horse alone\.{advice}"):
        about.targets.several(to)


def test_a_picture_larger_than_the_memory_is_refused(written: Path) -> None:
    translator = Translator.load(written, memory=1000)
    with pytest.raises(DeviceError, match="cannot be run strip by strip"):
        translator(np.zeros((40, 50, 3), np.uint8))


@pytest.mark.parametrize("words", [{"device": "cuda"}, {"precision": "bf16"}])
def test_it_runs_on_the_cpu_in_fp32_only(written: Path, words: dict[str, Any]) -> None:
    with pytest.raises(DeviceError, match="on the CPU in fp32"):
        Translator.load(written, **words)


@pytest.mark.fault("S-23")
def test_a_file_of_others_is_refused(copy: Path) -> None:
    changed(copy, translate="")
    with pytest.raises(WeightsError, match=r"model\.onnx is ONNX, but not an export of translate"):
        Translator.load(copy)


@pytest.mark.fault("S-23")
def test_operators_that_are_not_standard_are_refused(copy: Path) -> None:
    graph = onnx.load(copy)
    graph.opset_import.append(onnx.helper.make_opsetid("their.own", 1))
    graph.graph.node[0].domain = "their.own"
    onnx.save(graph, copy)
    with pytest.raises(WeightsError, match="not a readable ONNX file"):
        Translator.load(copy)


@pytest.mark.fault("S-23")
def test_files_elsewhere_are_not_read(copy: Path) -> None:
    (copy.parent / "secret").write_bytes(bytes(10_000))
    (copy.parent / "below").mkdir()
    graph = onnx.load(copy)
    onnx.external_data_helper.set_external_data(graph.graph.initializer[0], location="../secret")
    graph.graph.initializer[0].ClearField("raw_data")
    (copy.parent / "below/model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(WeightsError, match="External data path escapes model directory"):
        Translator.load(copy.parent / "below/model.onnx")


def test_what_torch_cannot_export_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise torch.onnx.OnnxExporterError("\033[96mStep 1\033[0m") from ValueError("no such operator\nhere")

    monkeypatch.setattr(torch.onnx, "export", fails)
    with pytest.raises(WeightsError, match=r"^torch cannot write cyclegan as ONNX: no such operator$"):
        write_graph(tmp_path / "model.onnx", *model(TINY, ["a", "b"], 16))


@pytest.mark.fault("S-23")
def test_a_changed_weight_is_noticed(copy: Path) -> None:
    graph = onnx.load(copy)
    (stamp,) = [entry.value for entry in graph.metadata_props if entry.key == "sha256"]
    content = copy.read_bytes()
    assert hashlib.sha256(content.replace(stamp.encode(), b"0" * 64)).hexdigest() == stamp
    weight = max((tensor.raw_data for tensor in graph.graph.initializer), key=len)
    place = content.index(weight) + len(weight) // 2
    copy.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    for read in (read_about, Translator.load):
        with pytest.raises(WeightsError, match="is damaged: it does not match its SHA-256"):
            read(copy)
    assert read_about(changed(copy)).only == "horse"  # as earlier versions wrote it


@pytest.mark.parametrize("kept", [0, 10, 500])
@pytest.mark.fault("S-23")
def test_a_damaged_file_is_refused(copy: Path, kept: int) -> None:
    copy.write_bytes(copy.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"not a readable ONNX file|not an export of translate"):
        Translator.load(copy)


@pytest.mark.fault("S-23")
def test_a_huge_file_is_not_even_opened(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "LARGEST", 100)
    with pytest.raises(WeightsError, match="an ONNX file of ours has less than 2"):
        Translator.load(written)


def test_without_onnxruntime_the_command_that_installs_it_is_named(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(WeightsError, match=r"pip install 'image-translate\[export\]'"):
        Translator.load(written)


def test_there_are_as_many_threads_as_torch_has(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert ours.open_session(written).get_session_options().intra_op_num_threads == 3
