"""Discriminators: the official sizes, names, shapes and receptive fields."""

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.errors import SettingsError
from translate.networks.discriminators import Critic, PatchGAN, PixelGAN, WholeImage


def shapes(settings: PatchGAN | PixelGAN | WholeImage, in_channels: int = 3) -> dict[str, tuple[int, ...]]:
    """Return the state-dict entries of the network that `settings` builds, without making any number."""
    with torch.device("meta"):
        return {name: tuple(entry.shape) for name, entry in settings.build(in_channels).state_dict().items()}


def count(settings: PatchGAN | PixelGAN | WholeImage, in_channels: int = 3) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in settings.build(in_channels).parameters())


@pytest.mark.parametrize(
    ("settings", "in_channels", "parameters"),
    [  # measured on the network definitions of junyanz/pytorch-CycleGAN-and-pix2pix
        (PatchGAN(layers=1), 3, 136_385),
        (PatchGAN(layers=2), 3, 662_977),
        (PatchGAN(layers=3), 3, 2_764_737),
        (PatchGAN(layers=4), 3, 6_959_553),
        (PatchGAN(layers=5), 3, 11_154_369),
        (PatchGAN(layers=6), 3, 15_349_185),
        (PatchGAN(downsampling="blurred"), 3, 2_764_737),  # and of CUT
        (PatchGAN(norm="batch"), 3, 2_765_633),
        (PatchGAN(), 6, 2_767_809),
        (PatchGAN(norm="batch"), 6, 2_768_705),
        (PixelGAN(norm="batch"), 6, 9_024),
        (WholeImage(), 3, 2_765_568),  # measured on SKTBrain/DiscoGAN
    ],
)
def test_parameter_counts_are_the_official_ones(settings, in_channels, parameters):
    assert count(settings, in_channels) == parameters


def test_patchgan_names_and_shapes_are_those_of_the_official_checkpoints():
    weights = {0: (64, 3, 4, 4), 2: (128, 64, 4, 4), 5: (256, 128, 4, 4), 8: (512, 256, 4, 4), 11: (1, 512, 4, 4)}
    table = {f"model.{layer}.weight": shape for layer, shape in weights.items()}
    table |= {f"model.{layer}.bias": shape[:1] for layer, shape in weights.items()}
    assert shapes(PatchGAN()) == table


def test_patchgan_with_batch_norm_has_biases_at_both_ends_only():
    found = shapes(PatchGAN(norm="batch"))
    assert [name for name in found if name.endswith("bias") and f"{name[:-4]}running_mean" not in found] == [
        "model.0.bias",
        "model.11.bias",
    ]
    assert [name for name in found if name.endswith("running_var")] == [f"model.{n}.running_var" for n in (3, 6, 9)]


def test_pixelgan_names_and_shapes_are_those_of_the_official_checkpoints():
    weights = {0: (64, 3, 1, 1), 2: (128, 64, 1, 1), 5: (1, 128, 1, 1)}
    table = {f"net.{layer}.weight": shape for layer, shape in weights.items()}
    table |= {f"net.{layer}.bias": shape[:1] for layer, shape in weights.items()}
    assert shapes(PixelGAN()) == table


def test_pixelgan_with_batch_norm_has_a_bias_at_the_start_only():
    found = shapes(PixelGAN(norm="batch"), 6)
    assert [name for name in found if name.endswith("bias")] == ["net.0.bias", "net.3.bias"]
    assert found["net.3.running_mean"] == (128,)


@pytest.mark.parametrize("layers", range(1, 9))
def test_channels_double_with_every_layer_and_stop_at_eight_times_the_width(layers):
    found = [shape for name, shape in shapes(PatchGAN(width=2, layers=layers)).items() if name.endswith("weight")]
    widths = [min(2 * 2**layer, 16) for layer in range(layers + 1)]
    assert found == [(o, i, 4, 4) for i, o in zip([3, *widths], [*widths, 1], strict=True)]


@pytest.mark.parametrize(("side", "scores"), [(256, 30), (128, 14)])  # measured on the official network
def test_patchgan_gives_a_map_of_scores(side, scores):
    with torch.no_grad():
        found = PatchGAN(width=1).build(3)(torch.zeros(2, 3, side, 64))
    assert found.shape == (2, 1, scores, 6)


@pytest.mark.parametrize(("side", "scores"), [(256, 30), (128, 14)])  # measured on the official network of CUT
def test_a_patchgan_that_blurs_gives_as_many_scores(side, scores):
    with torch.no_grad():
        found = PatchGAN(width=1, downsampling="blurred").build(3)(torch.zeros(2, 3, side, 64))
    assert found.shape == (2, 1, scores, 6)


def test_a_patchgan_that_blurs_has_the_official_names_and_shapes():
    weights = {0: (64, 3, 4, 4), 3: (128, 64, 4, 4), 7: (256, 128, 4, 4), 11: (512, 256, 4, 4), 14: (1, 512, 4, 4)}
    table = {f"model.{layer}.weight": shape for layer, shape in weights.items()}
    table |= {f"model.{layer}.bias": shape[:1] for layer, shape in weights.items()}
    assert shapes(PatchGAN(downsampling="blurred")) == table


def test_a_patchgan_that_blurs_computes_what_the_official_code_lists():
    torch.manual_seed(0)
    network = PatchGAN(width=3, downsampling="blurred").build(3).double()
    weights, x = network.state_dict(), torch.randn(2, 3, 32, 36, dtype=torch.float64)
    taps = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64)
    h = x
    for place, layer in enumerate((0, 3, 7, 11, 14)):
        h = functional.conv2d(h, weights[f"model.{layer}.weight"], weights[f"model.{layer}.bias"], 1, 1)
        if 0 < place < 4:
            h = h - h.mean((2, 3), keepdim=True)
            h = h / (h.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
        if place < 4:
            h = torch.where(h > 0, h, 0.2 * h)
        if place < 3:
            kernel = (torch.outer(taps, taps) / 16).expand(h.shape[1], 1, 3, 3)
            h = functional.conv2d(functional.pad(h, (1,) * 4, mode="reflect"), kernel, stride=2, groups=h.shape[1])
    torch.testing.assert_close(network(x).detach(), h, rtol=0, atol=1e-12)


def largest_singular_value(layer: nn.Module) -> float:
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1).double(), 2))


@pytest.mark.parametrize("downsampling", ["strided", "blurred"])
def test_spectral_norm_holds_the_largest_singular_value_of_every_convolution_at_1(downsampling):
    torch.manual_seed(0)
    network = PatchGAN(width=4, layers=2, norm="none", downsampling=downsampling, spectral_norm=True).build(3)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    for _ in range(30):  # power iterations
        network(torch.randn(1, 3, 24, 24))
    assert len(layers) == 4
    assert [largest_singular_value(layer) for layer in layers] == pytest.approx([1.0] * 4, rel=0.01)
    layers[1].parametrizations.weight.original.data.mul_(5)  # which is taken out again
    assert largest_singular_value(layers[1]) == pytest.approx(1.0, rel=0.01)
    plain = PatchGAN(width=4, layers=2, norm="none").build(3)
    assert any(largest_singular_value(layer) < 0.9 for layer in plain.modules() if isinstance(layer, nn.Conv2d))


def test_spectral_norm_is_the_same_in_a_pass_that_does_not_train():
    torch.manual_seed(0)
    network, x = PatchGAN(width=2, layers=1, spectral_norm=True).build(3).eval(), torch.randn(1, 3, 16, 16)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert torch.equal(network(x), network(x))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.train()(x)
    assert any(not torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_labels_are_read_off_a_patchgan_that_blurs_and_is_normalised():
    settings = PatchGAN(width=2, layers=2, downsampling="blurred", spectral_norm=True)
    scores, logits = settings.build_with_labels(3, 5, 32)(torch.randn(2, 3, 32, 32))
    assert scores.shape == (2, 1, 6, 6)
    assert logits.shape == (2, 5)


def test_pixelgan_gives_a_score_for_every_pixel():
    assert PixelGAN(width=2).build(3)(torch.zeros(2, 3, 5, 7)).shape == (2, 1, 5, 7)


def written_out(weights: dict[str, Tensor], x: Tensor, layers: list[tuple[str, int, int]]) -> Tensor:
    """Convolutions given as (name, stride, padding), all but the first and the last with instance normalisation."""
    for place, (name, stride, padding) in enumerate(layers):
        x = functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding)
        if 0 < place < len(layers) - 1:
            x = x - x.mean((2, 3), keepdim=True)
            x = x / (x.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
        if place < len(layers) - 1:
            x = torch.where(x > 0, x, 0.2 * x)
    return x


@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        (
            PatchGAN(width=3),
            [("model.0", 2, 1), ("model.2", 2, 1), ("model.5", 2, 1), ("model.8", 1, 1), ("model.11", 1, 1)],
        ),
        (PatchGAN(width=3, layers=1), [("model.0", 2, 1), ("model.2", 1, 1), ("model.5", 1, 1)]),
        (PixelGAN(width=3), [("net.0", 1, 0), ("net.2", 1, 0), ("net.5", 1, 0)]),
    ],
)
def test_the_network_computes_what_the_official_code_lists(settings, layers):
    torch.manual_seed(0)
    network = settings.build(3).double()
    x = torch.randn(2, 3, 32, 36, dtype=torch.float64)
    expected = written_out(network.state_dict(), x, layers)
    torch.testing.assert_close(network(x).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", [PatchGAN(width=4), PixelGAN(width=4)])
def test_scores_are_not_squashed(settings):
    torch.manual_seed(0)
    network = settings.build(3)
    last = next(parameter for parameter in reversed(list(network.parameters())) if parameter.dim() == 4)
    last.data *= 100
    scores = network(torch.randn(4, 3, 64, 64))
    assert scores.max() > 1
    assert scores.min() < -1


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layers", range(1, 7))
def test_the_smallest_side_leaves_one_score_and_less_is_refused(layers, layout, norm):
    settings = PatchGAN(width=2, layers=layers, norm=norm)
    network, side = settings.build(3), settings.smallest
    assert network(torch.zeros(1, 3, side, side).to(memory_format=layout)).shape == (1, 1, 1, 1)
    with pytest.raises((ValueError, RuntimeError)):
        network(torch.zeros(1, 3, side - 1, side - 1).to(memory_format=layout))


def test_the_smallest_side_of_pixelgan_works_and_less_is_refused():
    network = PixelGAN(width=2).build(3)
    assert network(torch.zeros(1, 3, 2, 2)).shape == (1, 1, 2, 2)
    with pytest.raises(ValueError):
        network(torch.zeros(1, 3, 1, 1))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (PixelGAN(width=2, norm="none"), 1),
        *(  # measured on the official network
            (PatchGAN(width=1, layers=layers, norm="none"), field)
            for layers, field in enumerate([16, 34, 70, 142, 286, 574], 1)
        ),
    ],
)
def test_receptive_field(settings, field):
    network = settings.build(3).double()
    for parameter in network.parameters():  # positive, so that nothing cancels
        parameter.data.fill_(1 / parameter[0].numel())
    x = torch.full((1, 3, field + 130, field + 130), 0.1, dtype=torch.float64, requires_grad=True)
    scores = network(x)
    row, column = scores.shape[2] // 2, scores.shape[3] // 2
    (gradient,) = torch.autograd.grad(scores[0, 0, row, column], x)
    for dim in (0, 1):
        touched = (gradient[0].sum(0) != 0).any(dim).nonzero().flatten()
        assert touched[0] > 0  # or the border would hide how far it reaches
        assert touched[-1] < x.shape[-1] - 1
        assert touched[-1] - touched[0] + 1 == field


@pytest.mark.parametrize("tree", [{"width": 0}, {"layers": 0}, {"layers": 9}, {"norm": "layer"}, {"kind": "stylegan"}])
def test_impossible_settings_are_refused(tree):
    with pytest.raises(SettingsError, match=next(iter(tree))):
        PatchGAN.parse(tree)


# The discriminator of DiscoGAN


def test_the_whole_image_discriminator_has_the_official_names_and_shapes():
    weights = [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4), (1, 512, 4, 4)]
    table: dict[str, tuple[int, ...]] = {f"conv{place}.weight": shape for place, shape in enumerate(weights, 1)}
    for place in (2, 3, 4):
        for entry in ("weight", "bias", "running_mean", "running_var"):
            table[f"bn{place}.{entry}"] = weights[place - 1][:1]
        table[f"bn{place}.num_batches_tracked"] = ()
    assert shapes(WholeImage()) == table


@pytest.mark.parametrize(("side", "scores"), [(64, 1), (80, 2), (128, 5), (256, 13)])  # 1 and 13 measured on it
def test_the_whole_image_discriminator_gives_one_score_at_64_pixels(side, scores):
    found, features = WholeImage(width=2).build(3).judge(torch.zeros(2, 3, side, side))
    assert found.shape == (2, 1, scores, scores)
    sides = [side // 4, side // 8, side // 16]
    assert [feature.shape[1:] for feature in features] == [(4 * 2**n, s, s) for n, s in enumerate(sides)]


def test_the_whole_image_discriminator_computes_what_the_official_code_lists():
    torch.manual_seed(0)
    network = WholeImage(width=3).build(3).double()
    x, weights = torch.randn(2, 3, 64, 64, dtype=torch.float64), network.state_dict()
    features = []
    expected = x
    for place in range(1, 5):
        expected = functional.conv2d(expected, weights[f"conv{place}.weight"], None, 2, 1)
        if place > 1:
            expected = expected - expected.mean((0, 2, 3), keepdim=True)
            expected = expected / (expected.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
        expected = torch.where(expected > 0, expected, 0.2 * expected)
        features.append(expected)
    expected = functional.conv2d(expected, weights["conv5.weight"])
    found, judged = network.judge(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for one, other in zip(judged, features[1:], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", [WholeImage(width=2), PatchGAN(width=2), PatchGAN(width=2, layers=1, norm="none")])
def test_judging_gives_the_scores_of_the_network_and_the_features_of_its_inner_layers(settings):
    torch.manual_seed(0)
    network, x = settings.build(3).eval(), torch.randn(2, 3, 64, 64)
    scores, features = network.judge(x)
    assert torch.equal(scores, network(x))
    assert len(features) == getattr(settings, "layers", 3)
    assert [feature.shape[1] for feature in features] == [4, 8, 16][: len(features)]


# The critic of StarGAN


@pytest.mark.parametrize(
    ("size", "labels", "parameters"),
    [  # measured on yunjey/stargan
        (128, 5, 44_762_048),
        (128, 8, 44_786_624),
        (256, 5, 44_884_928),
        (256, 8, 44_983_232),
        (256, 13, 45_147_072),
    ],
)
def test_the_critic_has_the_official_number_of_parameters(size, labels, parameters):
    with torch.device("meta"):
        network = Critic().build_with_labels(3, labels, size)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize(("size", "kernel"), [(128, 2), (256, 4)])
def test_the_critic_has_the_names_and_shapes_of_the_official_checkpoints(size, kernel):
    with torch.device("meta"):
        network = Critic().build_with_labels(3, 5, size)
    widths = [3, 64, 128, 256, 512, 1024, 2048]
    table: dict[str, tuple[int, ...]] = {}
    for place, (i, o) in enumerate(itertools.pairwise(widths)):
        table |= {f"main.{2 * place}.weight": (o, i, 4, 4), f"main.{2 * place}.bias": (o,)}
    table |= {"conv1.weight": (1, 2048, 3, 3), "conv2.weight": (5, 2048, kernel, kernel)}
    assert {name: tuple(entry.shape) for name, entry in network.state_dict().items()} == table


@pytest.mark.parametrize(("size", "layers", "scores"), [(64, 6, 1), (128, 6, 2), (256, 6, 4), (32, 3, 4), (24, 3, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_the_critic_gives_a_map_of_scores_and_a_logit_for_each_label(layout, size, layers, scores):
    network = Critic(width=1, layers=layers).build_with_labels(3, 5, size)
    found, logits = network(torch.zeros(2, 3, size, size).to(memory_format=layout))
    assert found.shape == (2, 1, scores, scores)
    assert logits.shape == (2, 5)


def test_the_critic_computes_what_the_official_code_lists():
    torch.manual_seed(0)
    network = Critic(width=2, layers=3).build_with_labels(3, 4, 32).double()
    x, weights = torch.randn(2, 3, 32, 32, dtype=torch.float64), network.state_dict()
    h = x
    for layer in ("main.0", "main.2", "main.4"):
        h = functional.conv2d(h, weights[f"{layer}.weight"], weights[f"{layer}.bias"], 2, 1)
        h = torch.where(h > 0, h, 0.01 * h)
    scores, logits = network(x)
    torch.testing.assert_close(scores, functional.conv2d(h, weights["conv1.weight"], padding=1), rtol=0, atol=1e-12)
    expected = torch.einsum("nchw,lchw->nl", h, weights["conv2.weight"])
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)


def reach(network: nn.Module, side: int, center: int) -> int:
    """Measure how many pixels the score in the middle of the map depends on, with positive weights."""
    for parameter in network.parameters():
        parameter.data.fill_(1 / parameter[0].numel() if parameter.dim() == 4 else 1e-3)
    x = torch.full((1, 3, side, side), 0.1, dtype=torch.float64, requires_grad=True)
    scores = network(x)
    scores = scores[0] if isinstance(scores, tuple) else scores
    (gradient,) = torch.autograd.grad(scores[0, 0, center, center], x)
    touched = (gradient[0].sum(0) != 0).any(0).nonzero().flatten()
    assert touched[0] > 0  # or the border would hide how far it reaches
    assert touched[-1] < side - 1
    return int(touched[-1] - touched[0] + 1)


def test_the_whole_image_discriminator_sees_94_pixels():  # measured on the official network
    network = WholeImage(width=1).build(3).double().eval()
    for layer in (network.bn2, network.bn3, network.bn4):
        layer.eps = 0.0
    assert reach(network, 256, 6) == 94


def test_the_critic_sees_318_pixels():  # measured on the official network
    assert reach(Critic(width=1).build_with_labels(3, 2, 768).double(), 768, 5) == 318
