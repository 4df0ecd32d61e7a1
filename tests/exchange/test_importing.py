"""Synthetic checkpoints with the official names and shapes become models that do what the official layers do.

Each reference network here is written as a plain sequence, at the positions of the official tables.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from translate.errors import SettingsError, WeightsError
from translate.exchange.importing import ImportRequest, import_weights
from translate.exchange.recognised import ImportOptions
from translate.inference.translator import Translator
from translate.methods.stargan import Settings as StarGAN
from translate.networks.discriminators import Critic, PatchGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet

W = 4  # channels, where the official networks have 64
Norm = Callable[[int], nn.Module]


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if "running_var" in name:
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and "filt" not in name:
            tensor.normal_(0, tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 0.5)
    return network.eval()


class Block(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Model(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model: nn.Module = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Filter(nn.Module):
    """The anti-aliasing layers of CUT: a buffer `filt`, halving or doubling."""

    def __init__(self, channels: int, taps: tuple[float, ...]) -> None:
        super().__init__()
        self.down = len(taps) == 3
        self.register_buffer("filt", torch.outer(torch.tensor(taps), torch.tensor(taps)).repeat(channels, 1, 1, 1) / 16)

    def forward(self, x: Tensor) -> Tensor:
        if self.down:
            x = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
            return nn.functional.conv2d(x, self.filt, stride=2, groups=x.shape[1])
        x = nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
        y = nn.functional.conv_transpose2d(x, self.filt, stride=2, padding=2, groups=x.shape[1])
        return y[:, :, 1:-1, 1:-1]


INSTANCE: Norm = nn.InstanceNorm2d
AFFINE: Norm = partial(nn.InstanceNorm2d, affine=True)
TRACKED: Norm = partial(nn.InstanceNorm2d, track_running_stats=True)
BATCH: Norm = nn.BatchNorm2d


def resnet(norm: Norm, *, zero: bool = False, dropout: bool = False, bias: bool = True, cut: bool = False) -> Model:
    """Write out the official generator with two blocks; CUT's with `cut`, that of before July 2017 with `zero`."""

    def padded(pixels: int) -> list[nn.Module]:
        return [] if zero else [nn.ReflectionPad2d(pixels)]

    def conv(i: int, o: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Module:
        return nn.Conv2d(i, o, kernel, stride, padding, bias=bias)

    def block() -> Block:
        half = [*padded(1), conv(4 * W, 4 * W, 3, 1, int(zero)), norm(4 * W)]
        rest = [*padded(1), conv(4 * W, 4 * W, 3, 1, int(zero)), norm(4 * W)]
        return Block(*half, nn.ReLU(), *([nn.Dropout(0.5)] if dropout else []), *rest)

    layers = [*padded(3), conv(3, W, 7, 1, 3 if zero else 0), norm(W), nn.ReLU()]
    for i in (W, 2 * W):
        layers += [conv(i, 2 * i, 3, 1 if cut else 2, 1), norm(2 * i), nn.ReLU()]
        layers += [Filter(2 * i, (1, 2, 1))] if cut else []
    layers += [block(), block()]
    for i in (4 * W, 2 * W):
        up = nn.ConvTranspose2d(i, i // 2, 3, 2, 1, 1, bias=bias)
        layers += [Filter(i, (1, 3, 3, 1)), conv(i, i // 2, 3, 1, 1)] if cut else [up]
        layers += [norm(i // 2), nn.ReLU()]
    return Model(*layers, *padded(3), nn.Conv2d(W, 3, 7, 1, 3 if zero else 0), nn.Tanh())


class Level(nn.Module):
    def __init__(self, *layers: nn.Module, outermost: bool = False, last: bool = False) -> None:
        super().__init__()
        self.model, self.outermost, self.last = nn.Sequential(*layers), outermost, last

    def forward(self, x: Tensor) -> Tensor:
        y = self.model(x)
        return y if self.outermost else torch.cat([y, x] if self.last else [x, y], 1)


def unet(depth: int, norm: Norm, *, bias: bool = False, last: bool = False) -> Model:
    """Write out the official U-Net; `last` puts what skips levels last, as before September 2017."""
    widths = [W * min(1 << level, 8) for level in range(depth)]
    o, i = widths[-2:]
    level = Level(
        nn.LeakyReLU(0.2), nn.Conv2d(o, i, 4, 2, 1, bias=bias),
        nn.ReLU(), nn.ConvTranspose2d(i, o, 4, 2, 1, bias=bias), norm(o), last=last,
    )  # fmt: skip
    for place in range(depth - 2, 0, -1):
        o, i = widths[place - 1 : place + 1]
        level = Level(
            nn.LeakyReLU(0.2), nn.Conv2d(o, i, 4, 2, 1, bias=bias), norm(i), level,
            nn.ReLU(), nn.ConvTranspose2d(2 * i, o, 4, 2, 1, bias=bias), norm(o), nn.Dropout(0.5), last=last,
        )  # fmt: skip
    first = nn.Conv2d(3, W, 4, 2, 1, bias=bias)
    up = nn.ConvTranspose2d(2 * W, 3, 4, 2, 1)
    network = Model()
    network.model = Level(first, level, nn.ReLU(), up, nn.Tanh(), outermost=True)
    return network


def saved(path: Path, network: nn.Module | dict[str, Tensor]) -> Path:
    torch.save(network if isinstance(network, dict) else network.state_dict(), path)
    return path


def imported(tmp_path: Path, network: nn.Module | dict[str, Tensor], **fields: Any) -> Translator:
    import_weights(ImportRequest(saved(tmp_path / "w.pth", network), **fields), tmp_path / "w.safetensors")
    return Translator.load(tmp_path / "w.safetensors", "cpu", "fp32")


def in_training(network: nn.Module) -> nn.Module:
    """Let batch normalisation use the statistics of its picture, but nothing drop out."""
    for layer in network.modules():
        layer.train(isinstance(layer, nn.BatchNorm2d))
    return network


X = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1


def assert_same(translator: Translator, network: nn.Module, x: Tensor = X, target: str = "B") -> None:
    with torch.no_grad():
        expected = network(x)
    assert expected.std() > 0.05
    torch.testing.assert_close(translator.tensor(x, target), expected, rtol=0, atol=1e-5)


VARIANTS: dict[str, tuple[Model, ImportOptions]] = {
    "instance": (resnet(INSTANCE), ImportOptions()),
    "instance, dropout": (resnet(INSTANCE, dropout=True), ImportOptions()),
    "affine, biases": (resnet(AFFINE), ImportOptions()),
    "no norm": (resnet(lambda _: nn.Identity(), bias=False), ImportOptions()),
    "zero padding": (resnet(INSTANCE, zero=True), ImportOptions()),
    "zero padding, affine, dropout": (resnet(AFFINE, zero=True, dropout=True), ImportOptions()),
    "batch, running": (resnet(BATCH, bias=False), ImportOptions(statistics="running")),
    "batch with biases, running": (resnet(BATCH), ImportOptions(statistics="running")),
    "zero padding, batch with biases, running": (resnet(BATCH, zero=True), ImportOptions(statistics="running")),
    "CUT": (resnet(INSTANCE, cut=True), ImportOptions()),
    "CUT, batch, running": (resnet(BATCH, bias=False, cut=True), ImportOptions(statistics="running")),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_residual_generators_of_every_kind(tmp_path: Path, name: str) -> None:
    network, options = VARIANTS[name]
    assert_same(imported(tmp_path, seeded(network), options=options), network)


@pytest.mark.parametrize("bias", [False, True])
def test_batch_norm_takes_the_statistics_of_the_picture_by_default(tmp_path: Path, bias: bool) -> None:
    network = seeded(resnet(BATCH, bias=bias))
    translator = imported(tmp_path, network)
    assert_same(translator, in_training(network))
    assert any("--statistics running" in note for note in translator.about.notes)


@pytest.mark.parametrize("counters", [True, False])
def test_running_statistics_of_instance_norm_are_dropped(tmp_path: Path, counters: bool) -> None:
    network = seeded(resnet(TRACKED))
    state = network.state_dict()
    assert "model.2.running_mean" in state
    kept = {name: tensor for name, tensor in state.items() if counters or "num_batches" not in name}
    plain = resnet(INSTANCE)
    plain.load_state_dict({name: tensor for name, tensor in kept.items() if name.endswith(("weight", "bias"))})
    assert_same(imported(tmp_path, kept), plain)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_u_nets_of_both_orders(tmp_path: Path, last: bool, bias: bool) -> None:
    network, x = seeded(unet(5, BATCH, bias=bias, last=last)), torch.randn(1, 3, 32, 64).clamp(-1, 1)
    skips = "last" if last else "first"
    assert_same(imported(tmp_path, network, options=ImportOptions(skips=skips, statistics="running")), network, x)
    in_training(network)
    assert_same(imported(tmp_path, network, options=ImportOptions(skips=skips)), network, x)


def test_the_order_of_a_u_net_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Say --skips first for a newer or --skips last for an older one"):
        imported(tmp_path, unet(5, BATCH))
    assert not (tmp_path / "w.safetensors").exists()


def test_an_import_says_what_it_is_and_translates_in_one_direction(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"domains": ["horse", "zebra"], "about": {"licence": "BSD"}}
    about = imported(tmp_path, resnet(INSTANCE), **fields).about
    assert about.targets.directions == [("horse", "zebra")]
    assert about.target == "zebra"
    assert (about.size, about.values, about.channels, about.licence) == (256, (-1.0, 1.0), "RGB", "BSD")
    assert about.source == "CycleGAN generator of 2 blocks, from w.pth"
    assert about.method["generator"]["blocks"] == 2


def test_both_directions_and_both_discriminators_make_a_cyclegan(tmp_path: Path) -> None:
    G, F = seeded(resnet(INSTANCE)), seeded(resnet(INSTANCE), 1)
    judges = {domain: seeded(PatchGAN(width=W, layers=2).build(3), 3 + place) for place, domain in enumerate("AB")}
    back = saved(tmp_path / "back.pth", F)
    files = {domain: saved(tmp_path / f"{domain}.pth", judge) for domain, judge in judges.items()}
    translator = imported(tmp_path, G, back=back, discriminators=dict(reversed(files.items())))
    assert_same(translator, G)
    assert_same(translator, F, target="A")
    tensors = safetensors.torch.load_file(tmp_path / "w.safetensors")
    for number, domain in enumerate("AB"):
        for name, tensor in judges[domain].state_dict().items():
            assert torch.equal(tensors[f"D.{number}.{name}"], tensor)
    assert translator.about.method["name"] == "cyclegan"
    with pytest.raises(SettingsError, match="name the generators of both, the second with --back"):
        imported(tmp_path, G, discriminators=files)


@pytest.mark.parametrize("bottleneck", [0, 5])
@pytest.mark.parametrize("channels", ["bgr", "rgb"])
def test_discogan_sees_blue_first_and_black_as_0(tmp_path: Path, bottleneck: int, channels: str) -> None:
    network = seeded(EncoderDecoder(width=W, bottleneck=bottleneck).build(3, 3))
    old = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
    translator = imported(tmp_path, old, options=ImportOptions(channels=channels))  # type: ignore[arg-type]
    axis = (1,) if channels == "bgr" else ()
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        expected = network((x.flip(axis) + 1) / 2).flip(axis) * 2 - 1
    torch.testing.assert_close(translator.tensor(x, "B"), expected, rtol=0, atol=1e-5)
    assert translator.about.values == (0.0, 1.0)
    assert translator.about.size == 64


def test_discogan_of_both_directions_keeps_its_discriminators(tmp_path: Path) -> None:
    G, F = (seeded(EncoderDecoder(width=W).build(3, 3), seed) for seed in (0, 1))
    D = seeded(WholeImage(width=W).build(3), 2)
    judge, back = saved(tmp_path / "d.pth", D), saved(tmp_path / "back.pth", F)
    translator = imported(tmp_path, G, back=back, discriminators={"A": judge, "B": judge})
    assert translator.about.method["name"] == "discogan"
    tensors = safetensors.torch.load_file(tmp_path / "w.safetensors")
    torch.testing.assert_close(tensors["D.1.conv1.weight"], D.state_dict()["conv1.weight"].flip(1))


def star(labels: int) -> tuple[nn.Module, dict[str, Tensor]]:
    """A generator of StarGAN, and its file with the running statistics that the official code keeps."""
    network = seeded(LabelResnet(width=W, blocks=1).build(3, 3, labels))
    state = dict(network.state_dict())
    for name, tensor in network.state_dict().items():
        if tensor.dim() == 1 and name.endswith("weight"):
            module = name.removesuffix("weight")
            state |= {f"{module}running_mean": torch.ones_like(tensor), f"{module}running_var": torch.ones_like(tensor)}
            state |= {f"{module}num_batches_tracked": torch.tensor(7)}
    return network, state


def test_stargan_of_domains(tmp_path: Path) -> None:
    network, state = star(3)
    translator = imported(tmp_path, state, domains=["a", "b", "c"])
    with torch.no_grad():
        expected = network(X, torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(translator.tensor(X, "b"), expected, rtol=0, atol=1e-5)
    assert len(translator.about.targets.directions) == 6


def test_stargan_of_attributes_reads_them_with_its_discriminator(tmp_path: Path) -> None:
    network, state = star(2)
    with torch.device("meta"):
        D = Critic(width=W, layers=3).build_with_labels(3, 2, 32)
    D = seeded(D.to_empty(device="cpu"), 4)
    judge = saved(tmp_path / "d.pth", D)
    translator = imported(tmp_path, state, attributes=["hat", "scarf"], discriminators={"": judge})
    assert translator.about.size == 32
    with torch.no_grad():
        labels = (D(X)[1] > 0).float()
        labels[:, 0] = 1
        expected = network(X, labels)
    torch.testing.assert_close(translator.tensor(X, "hat=1"), expected, rtol=0, atol=1e-5)
    assert StarGAN.parse(translator.about.method).labels == "attributes"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "has 3 labels. Name them in the order of its training: --domains"),
        ({"domains": ["a", "b"]}, "has 3 labels"),
        ({"attributes": ["a", "b", "c"]}, "needs its discriminator"),
    ],
)
def test_the_labels_of_a_stargan_are_asked_about(tmp_path: Path, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        imported(tmp_path, star(3)[1], **fields)


def changed(name: str, tensor: Tensor | None = None) -> dict[str, Tensor]:
    state = dict(resnet(INSTANCE).state_dict())
    if tensor is None:
        del state[name]
    else:
        state[name] = tensor
    return state


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (changed("model.7.bias", torch.zeros(3)), "of 2 blocks, but 1 of .* first model.7.bias"),
        (changed("model.12.weight"), "looks like a CycleGAN generator of 2 blocks, but"),
        ({"conv.weight": torch.zeros(1), "b": torch.zeros(1)}, "begins with conv.weight, b is none of CycleGAN"),
        ({"model.1.weight": torch.zeros(4, 3, 7, 7)}, "that begins with model.1.weight is incomplete"),
        ({"model.0.weight": torch.zeros(4, 3, 4, 4), "model.2.filt": torch.zeros(1)}, "discriminator of CUT"),
        (dict(PatchGAN(width=2, layers=1).build(3).state_dict()), "which translates nothing"),
        (
            {**resnet(INSTANCE, cut=True).state_dict(), "model.7.filt": torch.ones(2 * W, 1, 3, 3)},
            "model.7.filt is not the filter of the official CUT",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
@pytest.mark.fault("S-6")
def test_a_wrong_network_is_refused_with_names(tmp_path: Path, state: dict[str, Tensor], sentence: str) -> None:
    with pytest.raises((WeightsError, SettingsError), match=sentence):
        imported(tmp_path, state)
    assert not (tmp_path / "w.safetensors").exists()
