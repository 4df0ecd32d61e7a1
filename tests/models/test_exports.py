"""An export holds everything that is needed to use it, and refuses whatever is not one, with a sentence."""

import json
import stat
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from translate.devices import engine
from translate.errors import OutputError, WeightsError
from translate.inference.translator import Translator
from translate.methods.base import Method
from translate.methods.cyclegan import Settings
from translate.methods.discogan import Settings as DiscoGAN
from translate.models import exports
from translate.models.about import FORMAT, About
from translate.models.exports import read_about, read_export, write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(
    method=json.loads(TINY.to_json()),
    domains=["horse", "zebra"],
    target="zebra",
    size=16,
    steps=3,
    planned=5,
    data="toy",
    train={"horse": 7, "zebra": 8},
    scores={"stripes": 0.5},
    versions={"torch": "2"},
)


def tiny(seed: int = 0) -> Method:
    torch.manual_seed(seed)
    return TINY.build(ABOUT.domains, ABOUT.size).eval()


def generators(method: Method) -> nn.ModuleList:
    return nn.ModuleList(method.players()["G"])


@pytest.fixture
def export(tmp_path: Path) -> Path:
    write_export(tmp_path / "model.safetensors", generators(tiny()), ABOUT)
    return tmp_path / "model.safetensors"


def rewritten(path: Path, change: Any = None, **tensors: torch.Tensor) -> Path:
    """Write the export again with another header text, or with other tensors under the old text."""
    with safetensors.safe_open(path, framework="pt") as file:
        text = file.metadata()["translate"]
    found = safetensors.torch.load_file(path)
    safetensors.torch.save_file(found | tensors, path, {"translate": change(text) if change else text})
    return path


def edited(path: Path, **fields: Any) -> Path:
    return rewritten(path, lambda text: json.dumps(json.loads(text) | fields))


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_export(path)
    assert caught.value.exit_code == 5
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_model_translates_the_same_after_a_round_trip(export: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    before = Translator(tiny(), ABOUT, engine("cpu", "fp32"))
    after = Translator.load(export, "cpu", "fp32")
    for target in ABOUT.domains:
        assert np.array_equal(after(picture, target), before(picture, target))
    assert not np.array_equal(after(picture, "horse"), after(picture, "zebra"))


def test_half_the_bytes_are_the_same_networks_rounded(tmp_path: Path) -> None:
    method = DiscoGAN(generator=EncoderDecoder(width=2)).build(ABOUT.domains, 64)  # with the counters of its norms
    about = ABOUT.model_copy(update={"method": method.settings.model_dump(), "size": 64})
    write_export(tmp_path / "half.safetensors", generators(method), about, half=True)
    stored = safetensors.torch.load_file(tmp_path / "half.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16, torch.int64}
    read, _ = read_export(tmp_path / "half.safetensors")
    for name, tensor in generators(read).state_dict().items():
        wanted = generators(method).state_dict()[name]
        assert tensor.dtype == wanted.dtype
        assert torch.equal(tensor, wanted.half().to(wanted.dtype))


def test_weights_that_fp16_cannot_hold_are_refused(tmp_path: Path) -> None:
    large = generators(tiny())
    dict(large.named_parameters())["1.model.1.weight"].data.view(-1)[3] = -70000
    with pytest.raises(WeightsError, match=r"1\.model\.1\.weight has weights of up to 70000, too large for fp16"):
        write_export(tmp_path / "half.safetensors", large, ABOUT, half=True)
    assert not list(tmp_path.iterdir())


def test_what_it_says_of_itself_survives(export: Path) -> None:
    about = read_about(export)
    assert about.sha256
    assert about.model_copy(update={"sha256": ""}) == ABOUT
    assert about.format == FORMAT
    assert about.targets.directions == [("zebra", "horse"), ("horse", "zebra")]
    assert read_export(export)[1] == about


def test_discriminators_travel_along_and_are_not_needed(export: Path, tmp_path: Path) -> None:
    method = tiny()
    write_export(tmp_path / "both.safetensors", generators(method), ABOUT, discriminators=method.players()["D"])
    plain, both = (safetensors.torch.load_file(path) for path in (export, tmp_path / "both.safetensors"))
    assert {name for name in both if name not in plain} == {
        f"D.{number}.{name}" for number, judge in enumerate(method.players()["D"]) for name in judge.state_dict()
    }
    picture = np.zeros((16, 16, 3), np.uint8)
    one, other = (Translator.load(path, "cpu", "fp32")(picture) for path in (export, tmp_path / "both.safetensors"))
    assert np.array_equal(one, other)


def test_only_generators_are_shipped_and_have_memory(export: Path) -> None:
    assert {name.split(".")[0] for name in safetensors.torch.load_file(export)} == {"0", "1"}
    method, _ = read_export(export)
    assert {tensor.device.type for tensor in generators(method).state_dict().values()} == {"cpu"}
    assert {tensor.device.type for player in method.players()["D"] for tensor in player.parameters()} == {"meta"}
    assert not method.training
    assert not any(parameter.requires_grad for parameter in method.parameters())


def header_of(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    header: dict[str, Any] = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    return header


def with_header(path: Path, header: bytes, length: int | None = None, more: bytes = b"") -> None:
    """Put another header before the tensors, one that says another length, or something behind them."""
    content = path.read_bytes()
    data = content[8 + struct.unpack("<Q", content[:8])[0] :]
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data + more)


NAME = "1.model.1.weight"
HEADERS: dict[str, Any] = {
    "a shape that has more": {"shape": [1 << 20, 3, 7, 7]},
    "a negative shape": {"shape": [-2, 3, 7, 7]},
    "a shape that overflows": {"shape": [1 << 62, 1 << 62, 7, 7]},
    "an unknown type": {"dtype": "F7"},
    "no type": {"dtype": None},
    "a hole": {"data_offsets": [10**9, 10**9 + 4 * 294]},
    "offsets in turn": {"data_offsets": [8, 0]},
    "offsets of another": {"data_offsets": [0, 4 * 294]},
}


@pytest.mark.parametrize("change", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.fault("S-4")
def test_a_header_that_is_wrong_about_a_tensor_is_refused(export: Path, change: dict[str, Any]) -> None:
    header = header_of(export)
    header[NAME] |= change
    with_header(export, json.dumps(header).encode())
    assert "not a readable safetensors file" in refusal(export)


@pytest.mark.parametrize(
    ("header", "more"),
    [(b"", b""), (b"{", b""), (b"[]", b""), (b"\xff" * 20, b""), (b'{"__metadata__": {"translate": 3}}', b""),
     (b'{"a": 1, "a": 1}', b""), (None, b"more")],
    ids=["empty", "cut", "a list", "no text", "metadata that is no text", "a name twice", "more behind it"],
)  # fmt: skip
@pytest.mark.fault("S-4")
def test_a_header_that_is_none_is_refused(export: Path, header: bytes | None, more: bytes) -> None:
    with_header(export, json.dumps(header_of(export)).encode() if header is None else header, more=more)
    assert "not a readable safetensors file" in refusal(export)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
@pytest.mark.fault("S-4")
def test_a_truncated_file_is_refused(export: Path, kept: int) -> None:
    export.write_bytes(export.read_bytes()[:kept])
    assert "not a readable safetensors file" in refusal(export)


@pytest.mark.fault("S-4")
def test_a_flipped_bit_is_refused_or_changes_no_weight(export: Path) -> None:
    whole = export.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    before = generators(read_export(export)[0]).state_dict()
    places = [*range(0, 8 + length, 29), *range(8 + length, len(whole), 997), len(whole) - 1]
    for place in places:
        export.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        if place >= 8 + length:
            assert "do not match their SHA-256" in refusal(export)
            continue
        try:
            found = generators(read_export(export)[0]).state_dict()
        except WeightsError:
            continue
        assert all(torch.equal(before[name], found[name]) for name in before)  # it was of a score or the like


@pytest.mark.fault("S-5")
def test_a_huge_header_is_refused_before_it_is_read(export: Path) -> None:
    for length in (1 << 40, 1 << 60, (1 << 64) - 1):
        with_header(export, b"{}", length)
        assert f"its header would have {length:,} bytes" in refusal(export)
    with export.open("r+b") as stream:  # the bytes are there, and take no place on the disk
        stream.write(struct.pack("<Q", 99_000_000))
        stream.truncate(100_000_000)
    tracemalloc.start()
    try:
        assert "its header would have 99,000,000 bytes" in refusal(export)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "change",
    [{"blocks": 10**9}, {"width": 10**15}, {"width": 10**30}, {"width": -1}, {"norm": "instance" * 999}],
    ids=["blocks", "width", "more width", "no width", "norm"],
)
@pytest.mark.fault("S-5")
def test_a_network_beyond_all_bounds_is_refused(export: Path, change: dict[str, Any]) -> None:
    tree = json.loads(TINY.to_json())
    tree["generator"] |= change
    assert "cannot build" in refusal(edited(export, method=tree))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": 1' + "0" * 5000 + "}", '{"format": NaN}', '{"format": null}']
)
@pytest.mark.fault("S-5")
def test_a_description_that_is_a_bomb_is_refused(export: Path, text: str) -> None:
    refusal(rewritten(export, lambda _: text))


@pytest.mark.fault("S-8")
def test_a_reader_sees_the_old_file_or_the_new_one(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (generators(tiny(seed)) for seed in (0, 1))
    parse = exports._about

    def parse_while_another_writes(path: Path, metadata: Any) -> About:
        about = parse(path, metadata)
        write_export(export, new, ABOUT)
        return about

    monkeypatch.setattr(exports, "_about", parse_while_another_writes)
    held = generators(read_export(export)[0]).state_dict()
    assert all(torch.equal(held[name], tensor) for name, tensor in old.state_dict().items())
    monkeypatch.undo()
    found = generators(read_export(export)[0]).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in new.state_dict().items())
    assert torch.equal(held[NAME], old.state_dict()[NAME])  # what was read stays what it was


@pytest.mark.fault("S-9")
def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    write_export(tmp_path / "model.safetensors", generators(tiny()), ABOUT)
    (tmp_path / "any").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("model.safetensors", "any")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_safetensors_of_others_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"w": torch.zeros(2)}, path, metadata)
    assert "does not say how it is built" in refusal(path)


def test_a_newer_format_says_to_update(export: Path) -> None:
    assert f"knows up to {FORMAT}. Update translate" in refusal(edited(export, format=FORMAT + 1, unheard="of"))


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", "3", "{}", '{"format": "1"}', '{"format": 1}'])
def test_a_damaged_description_is_refused(export: Path, text: str) -> None:
    assert "what it says of itself cannot be read" in refusal(rewritten(export, lambda _: text))


@pytest.mark.parametrize(
    "fields",
    [
        {"method": {"name": "cyclegam"}},
        {"method": {}},
        {"domains": ["a", "b", "c"]},
        {"method": {"name": "cyclegan", "x": 1}},
    ],
)
def test_a_network_that_cannot_be_built_is_refused(export: Path, fields: dict[str, Any]) -> None:
    assert "cannot build" in refusal(edited(export, **fields))


@pytest.mark.fault("S-6")
def test_tensors_that_do_not_fit_are_refused_with_the_first_three(export: Path) -> None:
    wide = json.loads(TINY.model_copy(update={"generator": Resnet(width=3, blocks=1)}).to_json())
    sentence = refusal(edited(export, method=wide))
    assert "does not fit the network of cyclegan that it describes: 30 tensors are" in sentence
    assert sentence.endswith("first 0.model.1.weight, 0.model.1.bias, 0.model.4.weight.")
    deep = json.loads(TINY.model_copy(update={"generator": Resnet(width=2, blocks=2)}).to_json())
    assert "first 0.model.11.conv_block.1.weight, " in refusal(edited(export, method=deep))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -1e30])
@pytest.mark.fault("S-7")
def test_weights_that_are_not_finite_or_huge_are_refused(tmp_path: Path, value: float) -> None:
    broken, path = generators(tiny()), tmp_path / "model.safetensors"
    parameter = dict(broken.named_parameters())["1.model.1.weight"]
    parameter.data.view(-1)[3] = value
    write_export(path, broken, ABOUT)
    assert "not finite or larger than 1e+09, first in 1.model.1.weight" in refusal(path)


def test_a_failing_write_keeps_the_old_export(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = export.read_bytes()

    def full(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_export(export, generators(tiny(1)), ABOUT)
    assert export.read_bytes() == before
    assert list(export.parent.iterdir()) == [export]
