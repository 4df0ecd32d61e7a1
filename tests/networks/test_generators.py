"""Generators: the official sizes, names, shapes and receptive fields."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.errors import SettingsError
from translate.networks.blocks import InstanceNorm
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet


def shapes(settings: Resnet) -> dict[str, tuple[int, ...]]:
    """Return the state-dict entries of the network that `settings` builds for RGB, without making any number."""
    with torch.device("meta"):
        return {name: tuple(entry.shape) for name, entry in settings.build(3, 3).state_dict().items()}


def count(settings: Resnet, in_channels: int = 3, out_channels: int = 3) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in settings.build(in_channels, out_channels).parameters())


def convolution(name: str, *shape: int, transposed: bool = False) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": (shape[1 if transposed else 0],)}


def official(blocks: int, last: str = "conv_block.5") -> dict[str, tuple[int, ...]]:
    """Write out the entries of the official checkpoints: indices count padding, normalisation and activation layers."""
    table = convolution("model.1", 64, 3, 7, 7)
    table |= convolution("model.4", 128, 64, 3, 3)
    table |= convolution("model.7", 256, 128, 3, 3)
    for block in range(10, 10 + blocks):
        table |= convolution(f"model.{block}.conv_block.1", 256, 256, 3, 3)
        table |= convolution(f"model.{block}.{last}", 256, 256, 3, 3)
    table |= convolution(f"model.{10 + blocks}", 256, 128, 3, 3, transposed=True)
    table |= convolution(f"model.{13 + blocks}", 128, 64, 3, 3, transposed=True)
    return table | convolution(f"model.{17 + blocks}", 3, 64, 7, 7)


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [  # measured on the network definitions of junyanz/pytorch-CycleGAN-and-pix2pix
        (Resnet(blocks=9), 11_378_179),
        (Resnet(blocks=6), 7_837_699),
        (Resnet(blocks=4), 5_477_379),
        (Resnet(blocks=9, norm="batch"), 11_383_427),
        (Resnet(blocks=9, downsampling="blurred", upsampling="bilinear"), 11_378_179),  # and of CUT
    ],
)
def test_parameter_counts_are_the_official_ones(settings, parameters):
    assert count(settings) == parameters


def test_the_generator_of_cut_has_the_official_names():
    table = convolution("model.1", 64, 3, 7, 7)
    table |= convolution("model.4", 128, 64, 3, 3)
    table |= convolution("model.8", 256, 128, 3, 3)
    for block in range(12, 21):
        table |= convolution(f"model.{block}.conv_block.1", 256, 256, 3, 3)
        table |= convolution(f"model.{block}.conv_block.5", 256, 256, 3, 3)
    table |= convolution("model.22", 128, 256, 3, 3)
    table |= convolution("model.26", 64, 128, 3, 3)
    table |= convolution("model.30", 3, 64, 7, 7)
    assert shapes(Resnet(downsampling="blurred", upsampling="bilinear")) == table


def test_blurred_downsampling_and_bilinear_upsampling_are_the_official_filters():
    layers = Resnet(width=1, blocks=0, downsampling="blurred", upsampling="bilinear").build(3, 3).layers
    half, twice = (next(layer for layer in layers if isinstance(layer, kind)) for kind in (nn.Sequential, nn.Upsample))
    x = torch.randn(1, 1, 8, 6, dtype=torch.float64)
    blur, tent = (torch.tensor(taps, dtype=torch.float64) for taps in ([1, 2, 1], [1, 3, 3, 1]))
    kernel = torch.outer(blur, blur)[None, None] / 16
    expected = functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, stride=2)
    torch.testing.assert_close(half(x), expected)
    kernel = torch.outer(tent, tent)[None, None] / 16
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    expected = functional.conv_transpose2d(padded, kernel, stride=2, padding=2)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(twice(x), expected)


def test_padding_changes_no_names_and_only_what_is_near_the_border():
    reflect, zero = (Resnet(width=2, blocks=1, norm="none", padding=padding) for padding in ("reflect", "zero"))
    assert shapes(reflect) == shapes(zero)
    torch.manual_seed(0)
    networks = [reflect.build(3, 3), zero.build(3, 3)]
    networks[1].load_state_dict(networks[0].state_dict())
    x = torch.randn(1, 3, 96, 96)
    one, other = (network(x) for network in networks)
    assert one.shape == other.shape == x.shape
    difference = (one - other).abs()
    assert difference[..., 40:56, 40:56].max() == 0
    assert difference.max() > 1e-3


def test_affine_instance_norm_has_weights_and_no_biases_in_front():
    names = shapes(Resnet(width=2, blocks=1, norm="affine"))
    assert {"model.2.weight", "model.2.bias", "model.10.conv_block.6.weight"} <= names.keys()
    assert {name for name in names if name.endswith(".bias") and len(names[name.replace("bias", "weight")]) > 1} == {
        "model.18.bias"
    }


@pytest.mark.parametrize("blocks", [0, 1, 2, 9])
def test_every_block_costs_the_same(blocks):
    # 2 (256 * 256 * 9 + 256) for a block, and the rest of the official network
    assert count(Resnet(blocks=blocks)) == 756_739 + 1_180_160 * blocks


@pytest.mark.parametrize("blocks", [6, 9])
def test_names_and_shapes_are_those_of_the_official_checkpoints(blocks):
    assert shapes(Resnet(blocks=blocks)) == official(blocks)


def test_nine_blocks_have_the_indices_written_in_the_official_code():
    found = shapes(Resnet(blocks=9))
    assert found["model.19.weight"] == (256, 128, 3, 3)
    assert found["model.22.weight"] == (128, 64, 3, 3)
    assert found["model.26.weight"] == (3, 64, 7, 7)
    assert len(found) == 48
    assert len(shapes(Resnet(blocks=6))) == 36


def test_with_batch_norm_only_the_last_convolution_has_a_bias():
    found = shapes(Resnet(norm="batch"))
    assert len(found) == 140  # measured on the official network
    convolutions = [name.removesuffix(".weight") for name, shape in found.items() if len(shape) == 4]
    assert [name for name in convolutions if f"{name}.bias" in found] == ["model.26"]
    assert found["model.2.running_mean"] == (64,)
    assert found["model.10.conv_block.6.weight"] == (256,)


def test_dropout_moves_the_second_convolution_of_a_block_by_one():
    assert shapes(Resnet(dropout=True)) == official(9, last="conv_block.6")


def test_resize_convolutions_replace_the_two_transposed_ones_only():
    found, plain = shapes(Resnet(upsampling="resize")), official(9)
    for layer in (19, 22):
        del plain[f"model.{layer}.weight"], plain[f"model.{layer}.bias"]
    assert {name: found[name] for name in plain} == plain
    extra = convolution("model.19.2", 128, 256, 3, 3) | convolution("model.22.2", 64, 128, 3, 3)
    assert {name: shape for name, shape in found.items() if name not in plain} == extra
    assert count(Resnet(upsampling="resize")) == 11_378_179


def written_out(weights: dict[str, Tensor], x: Tensor, blocks: int, upsampling: str) -> Tensor:
    """The generator of the CycleGAN paper (appendix 7.2) and of the official code, layer by layer."""

    def convolve(layer: str, x: Tensor, **options: int) -> Tensor:
        return functional.conv2d(x, weights[f"model.{layer}.weight"], weights[f"model.{layer}.bias"], **options)

    def reflect(x: Tensor, pixels: int) -> Tensor:
        return functional.pad(x, (pixels,) * 4, mode="reflect")

    def normalise(x: Tensor) -> Tensor:
        centred = x - x.mean((2, 3), keepdim=True)
        return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    x = normalise(convolve("1", reflect(x, 3))).relu()
    x = normalise(convolve("4", x, stride=2, padding=1)).relu()
    x = normalise(convolve("7", x, stride=2, padding=1)).relu()
    for block in range(10, 10 + blocks):
        inside = normalise(convolve(f"{block}.conv_block.1", reflect(x, 1))).relu()
        x = x + normalise(convolve(f"{block}.conv_block.5", reflect(inside, 1)))  # no activation after the sum
    for layer in (10 + blocks, 13 + blocks):
        if upsampling == "transposed":
            weight, bias = weights[f"model.{layer}.weight"], weights[f"model.{layer}.bias"]
            x = functional.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        else:
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            x = convolve(f"{layer}.2", reflect(x, 1))
        x = normalise(x).relu()
    return convolve(f"{17 + blocks}", reflect(x, 3)).tanh()


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_the_network_computes_what_the_paper_lists(blocks, upsampling):
    torch.manual_seed(0)
    network = Resnet(width=3, blocks=blocks, upsampling=upsampling).build(3, 3).double()
    x = torch.randn(2, 3, 16, 20, dtype=torch.float64)
    expected = written_out(network.state_dict(), x, blocks, upsampling)
    torch.testing.assert_close(network(x).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_with_a_skip_the_network_makes_what_is_added_to_the_picture(upsampling):
    torch.manual_seed(0)
    network = Resnet(width=3, blocks=1, upsampling=upsampling, skip=True).build(3, 3).double()
    plain = Resnet(width=3, blocks=1, upsampling=upsampling).build(3, 3).double()
    assert shapes(Resnet(skip=True)).keys() == {
        name.replace("model.", "model.0.layers.", 1) for name in shapes(Resnet())
    }
    plain.load_state_dict({name.replace("0.layers.", "", 1): value for name, value in network.state_dict().items()})
    x = torch.rand(2, 3, 16, 20, dtype=torch.float64) * 2 - 1
    change = plain.model[:-1](x)  # what it would have been, before tanh
    torch.testing.assert_close(network(x), (x + change).clamp(-1, 1), rtol=0, atol=1e-12)
    for parameter in network.parameters():
        parameter.data.zero_()
    torch.testing.assert_close(network(x), x, rtol=0, atol=0)


@pytest.mark.parametrize("channels", [(1, 3), (3, 1), (6, 2)])
def test_any_number_of_channels_goes_in_and_out(channels):
    source, target = channels
    network = Resnet(width=2, blocks=1).build(source, target)
    assert network(torch.zeros(1, source, 8, 8)).shape == (1, target, 8, 8)
    assert count(Resnet(), source, target) == 11_378_179 + 64 * 49 * (source - 3) + (64 * 49 + 1) * (target - 3)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize(("side", "expected"), [(254, 256), (255, 256), (256, 256), (257, 260)])
def test_sides_grow_to_the_next_multiple_of_four(side, expected, upsampling):
    network = Resnet(width=1, blocks=1, upsampling=upsampling).build(3, 3)
    with torch.no_grad():
        assert network(torch.zeros(1, 3, side, 32)).shape == (1, 3, expected, 32)
        assert network(torch.zeros(1, 3, 32, side)).shape == (1, 3, 32, expected)


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_smallest_side_works_and_less_is_refused(norm, layout):
    settings = Resnet(width=2, blocks=2, norm=norm)
    network = settings.build(3, 3)
    side = settings.smallest
    assert network(torch.zeros(1, 3, side, side).to(memory_format=layout)).shape == (1, 3, side, side)
    side -= settings.multiple
    with pytest.raises((ValueError, RuntimeError)):
        network(torch.zeros(1, 3, side, side).to(memory_format=layout))


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_output_stays_in_the_value_range_of_pictures(norm, upsampling):
    torch.manual_seed(0)
    network = Resnet(width=4, blocks=2, norm=norm, upsampling=upsampling).build(3, 3)
    for parameter in network.parameters():
        parameter.data *= 30
    y = network(torch.randn(2, 3, 16, 16) * 50)
    assert y.abs().max() <= 1
    assert y.max() > 0.99
    assert y.min() < -0.99


def extent(gradient: Tensor) -> list[tuple[int, int]]:
    """Return the first and last row, and the first and last column, in which a gradient (H, W) is not 0."""
    touched = [(gradient != 0).any(dim).nonzero().flatten() for dim in (1, 0)]
    return [(int(places[0]), int(places[-1])) for places in touched]


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize(("blocks", "field"), [(9, 169), (6, 121)])  # measured on the official network
def test_receptive_field(blocks, field, upsampling):
    network = Resnet(width=2, blocks=blocks, norm="none", upsampling=upsampling).build(3, 3).double()
    for parameter in network.parameters():  # positive, so that no ReLU closes and nothing cancels
        parameter.data.fill_(1 / parameter[0].numel() if parameter.dim() == 4 else 0)
    sides = set()
    for place in range(128, 132):  # the phase against the stride of 4 decides how many pixels are seen
        x = torch.full((1, 3, 260, 260), 1e-4, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(network(x)[0, 0, place, place], x)
        (top, bottom), (left, right) = extent(gradient[0].sum(0))
        assert 0 < top < bottom < 259  # or the border would hide how far it reaches
        assert (top, bottom) == (left, right)
        sides.add(bottom - top + 1)
    assert max(sides) == field


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_a_bias_in_front_of_a_normalisation_has_no_effect(norm):
    torch.manual_seed(0)
    network = Resnet(width=4, blocks=1, norm=norm).build(3, 3).double()
    loss = network(torch.randn(2, 3, 16, 16, dtype=torch.float64)).square().sum()
    loss.backward()
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.bias is not None:
            relative = layer.bias.grad.abs().max() / layer.weight.grad.abs().max()
            last = layer.out_channels == 3
            assert (relative < 1e-10) == (norm == "instance" and not last), name


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    network, x = Resnet(width=4, blocks=2, dropout=True).build(3, 3), torch.randn(1, 3, 16, 16)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_training_and_evaluation_agree_without_batch_statistics(norm):
    torch.manual_seed(0)
    network, x = Resnet(width=4, blocks=2, norm=norm).build(3, 3), torch.randn(2, 3, 16, 16)
    training = network(x)
    assert torch.equal(training, network.eval()(x))


@pytest.mark.parametrize(
    "tree",
    [
        {"width": 0},
        {"blocks": -1},
        {"norm": "layer"},
        {"upsampling": "cubic"},
        {"padding": "same"},
        {"dropout": 1},
        {"kind": "unet"},
    ],
)
def test_impossible_settings_are_refused(tree):
    with pytest.raises(SettingsError, match=next(iter(tree))):
        Resnet.parse(tree)


# The generator of DiscoGAN


def normed(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    """Write out the entries of a batch normalisation."""
    entries = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{entry}": (channels,) for entry in entries} | {f"{name}.num_batches_tracked": ()}


@pytest.mark.parametrize(("bottleneck", "parameters"), [(0, 5_513_856), (100, 7_153_480)])
def test_the_encoder_decoder_has_the_official_number_of_parameters(bottleneck, parameters):
    with torch.device("meta"):  # measured on SKTBrain/DiscoGAN
        network = EncoderDecoder(bottleneck=bottleneck).build(3, 3)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize("bottleneck", [0, 100])
def test_the_encoder_decoder_has_the_official_names_and_shapes(bottleneck):
    with torch.device("meta"):
        found = EncoderDecoder(bottleneck=bottleneck).build(3, 3).state_dict()
    down = [(64, 3), (128, 64), (256, 128), (512, 256)]
    up = [(512, 256), (256, 128), (128, 64), (64, 3)]  # transposed weights are (in, out, k, k)
    if bottleneck:
        down.append((100, 512))
        up.insert(0, (100, 512))
    table: dict[str, tuple[int, ...]] = {}
    place = 0
    for out, into in down:
        table[f"main.{place}.weight"] = (out, into, 4, 4)
        table |= normed(f"main.{place + 1}", out) if place else {}
        place += 3 if place else 2
    for into, out in up:
        table[f"main.{place}.weight"] = (into, out, 4, 4)
        table |= normed(f"main.{place + 1}", out) if out > 3 else {}
        place += 3
    assert {name: tuple(entry.shape) for name, entry in found.items()} == table
    assert f"main.{26 if bottleneck else 20}.weight" in table


def batch_normalise(x: Tensor) -> Tensor:
    centred = x - x.mean((0, 2, 3), keepdim=True)
    return centred / (centred.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("bottleneck", [0, 5])
def test_the_encoder_decoder_computes_what_the_official_code_lists(bottleneck):
    torch.manual_seed(0)
    network = EncoderDecoder(width=3, bottleneck=bottleneck).build(3, 3).double()
    x = torch.rand(3, 3, 64, 64, dtype=torch.float64)
    weights = [tensor for tensor in network.state_dict().values() if tensor.dim() == 4]
    depth = len(weights) // 2
    y = x
    for place, weight in enumerate(weights):
        stride, padding = (1, 0) if depth == 5 and place in (4, 5) else (2, 1)
        down = place < depth
        y = (functional.conv2d if down else functional.conv_transpose2d)(y, weight, None, stride, padding)
        if 0 < place < len(weights) - 1:
            y = batch_normalise(y)
        y = torch.where(y > 0, y, 0.2 * y) if down else y.relu() if place < len(weights) - 1 else y.sigmoid()
    torch.testing.assert_close(network(x), y, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("side", "expected"), [(64, 64), (72, 64), (80, 80), (96, 96), (256, 256)])
@pytest.mark.parametrize("bottleneck", [0, 5])
def test_the_encoder_decoder_gives_sides_that_are_multiples_of_16(bottleneck, side, expected):
    network = EncoderDecoder(width=1, bottleneck=bottleneck).build(3, 3)
    assert network(torch.zeros(2, 3, side, 96)).shape == (2, 3, expected, 96)  # 72 -> 64: measured on the official one


def test_the_bottleneck_is_one_pixel_at_64():
    network = EncoderDecoder(width=1, bottleneck=7).build(3, 3)
    shapes = []
    network.main[11].register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
    network(torch.zeros(2, 3, 64, 64))
    network(torch.zeros(2, 3, 128, 64))
    assert shapes == [(2, 7, 1, 1), (2, 7, 5, 1)]


# The generator of StarGAN


@pytest.mark.parametrize(("labels", "parameters"), [(5, 8_430_528), (8, 8_439_936), (15, 8_461_888)])
def test_the_label_resnet_has_the_official_number_of_parameters(labels, parameters):
    with torch.device("meta"):  # measured on yunjey/stargan
        network = LabelResnet().build(3, 3, labels)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_the_label_resnet_has_the_names_and_shapes_of_the_official_checkpoints():
    with torch.device("meta"):
        found = LabelResnet().build(3, 3, 5).state_dict()
    convolutions = {"main.0": (64, 8, 7, 7), "main.3": (128, 64, 4, 4), "main.6": (256, 128, 4, 4)}
    for block in range(9, 15):
        convolutions |= {f"main.{block}.main.0": (256, 256, 3, 3), f"main.{block}.main.3": (256, 256, 3, 3)}
    convolutions |= {"main.15": (256, 128, 4, 4), "main.18": (128, 64, 4, 4), "main.21": (3, 64, 7, 7)}
    norms = {"main.1": 64, "main.4": 128, "main.7": 256, "main.16": 128, "main.19": 64}
    for block in range(9, 15):
        norms |= {f"main.{block}.main.1": 256, f"main.{block}.main.4": 256}
    table: dict[str, tuple[int, ...]] = {f"{name}.weight": shape for name, shape in convolutions.items()}
    table |= {f"{name}.{entry}": (channels,) for name, channels in norms.items() for entry in ("weight", "bias")}
    assert {name: tuple(entry.shape) for name, entry in found.items()} == table
    assert len(found) == 86 - 2 * 17  # without the running statistics of 17 layers, which are never used


@pytest.mark.parametrize("blocks", [0, 2])
def test_the_label_resnet_computes_what_the_official_code_lists(blocks):
    torch.manual_seed(0)
    network = LabelResnet(width=3, blocks=blocks).build(3, 3, 4).double()
    for layer in network.modules():
        if isinstance(layer, InstanceNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    w = network.state_dict()
    x, c = torch.randn(2, 3, 16, 20, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[[1, 3]]

    def normalise(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean((2, 3), keepdim=True)
        x = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
        return x * w[f"{name}.weight"][:, None, None] + w[f"{name}.bias"][:, None, None]

    planes = torch.zeros(2, 4, 16, 20, dtype=torch.float64)
    planes[0, 1], planes[1, 3] = 1, 1
    y = normalise(functional.conv2d(torch.cat([x, planes], 1), w["main.0.weight"], padding=3), "main.1").relu()
    for place in (3, 6):
        y = normalise(functional.conv2d(y, w[f"main.{place}.weight"], None, 2, 1), f"main.{place + 1}").relu()
    for block in range(9, 9 + blocks):
        inside = functional.conv2d(y, w[f"main.{block}.main.0.weight"], padding=1)
        inside = normalise(inside, f"main.{block}.main.1").relu()
        inside = functional.conv2d(inside, w[f"main.{block}.main.3.weight"], padding=1)
        y = y + normalise(inside, f"main.{block}.main.4")  # no activation after the sum
    for place in (9 + blocks, 12 + blocks):
        up = functional.conv_transpose2d(y, w[f"main.{place}.weight"], None, 2, 1)
        y = normalise(up, f"main.{place + 1}").relu()
    y = functional.conv2d(y, w[f"main.{15 + blocks}.weight"], padding=3).tanh()
    torch.testing.assert_close(network(x, c), y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("labels", [torch.float32, torch.float64])
def test_labels_take_the_dtype_of_the_picture(dtype, labels):
    network = LabelResnet(width=2, blocks=0).build(3, 3, 2).to(dtype)
    assert network(torch.zeros(1, 3, 8, 8, dtype=dtype), torch.ones(1, 2, dtype=labels)).dtype == dtype


@pytest.mark.parametrize(("side", "expected"), [(8, 8), (12, 12), (128, 128), (254, 252)])
def test_the_label_resnet_gives_sides_that_are_multiples_of_4(side, expected):
    network = LabelResnet(width=1, blocks=1).build(3, 3, 2)
    found = network(torch.zeros(1, 3, side, 16), torch.ones(1, 2))
    assert found.shape == (1, 3, expected, 16)  # 254 -> 252: measured on the official one


def test_the_label_resnet_sees_124_pixels():  # measured on the official network
    network = LabelResnet(width=2).build(3, 3, 1).double()
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, InstanceNorm):
                setattr(parent, name, nn.Identity())
    for parameter in network.parameters():  # positive, so that no ReLU closes and nothing cancels
        parameter.data.fill_(1 / parameter[0].numel())
    sides = set()
    for place in range(96, 100):  # the phase against the stride of 4 decides how many pixels are seen
        x = torch.full((1, 3, 200, 200), 1e-4, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(network(x, torch.ones(1, 1))[0, 0, place, place], x)
        (top, bottom), (left, right) = extent(gradient[0].sum(0))
        assert 0 < top < bottom < 199  # or the border would hide how far it reaches
        assert (top, bottom) == (left, right)
        sides.add(bottom - top + 1)
    assert max(sides) == 124
