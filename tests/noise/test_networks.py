"""Networks of methods that draw: shapes, parameter counts of the papers, and the tricks of discriminators."""

import pytest
import torch
from torch import nn

from translate.networks.first_weights import initialise
from translate.noise import discriminators, generators
from translate.noise.discriminators import MinibatchDiscrimination, similarities


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("generator", "discriminator", "channels", "size", "counts"),
    [
        (generators.Dcgan(), discriminators.Dcgan(), 3, 64, (3_576_704, 2_765_568)),  # the PyTorch example
        (generators.Dcgan(width=128, bias=True), discriminators.Dcgan(width=128, bias=True), 3, 64,
         (12_660_355, 11_038_081)),  # what most copies of it for faces have
        (generators.Dcgan(width=128, bias=True), discriminators.Dcgan(width=128, bias=True), 1, 64,
         (12_656_257, 11_033_985)),
        (generators.Mlp(widths=(1200, 1200), activation="relu"), discriminators.Mlp(widths=(240, 240), pieces=5), 1, 28,
         (2_503_984, 1_231_441)),  # Goodfellow et al. 2014, on MNIST
        (generators.Mlp(), discriminators.Mlp(), 1, 28, (1_486_352, 1_460_225)),  # what most tutorials copy
    ],
)  # fmt: skip
def test_networks_have_the_size_of_their_models(generator, discriminator, channels, size, counts):
    with torch.device("meta"):
        G, D = generator.build(100, channels, size), discriminator.build(channels, size)
        assert (parameters(G), parameters(D)) == counts
        assert G(torch.empty(2, 100)).shape == (2, channels, size, size)
        assert D(torch.empty(2, channels, size, size)).shape == (2, 1)


@pytest.mark.parametrize("size", generators.SIZES)
@pytest.mark.parametrize("kind", ["dcgan", "mlp"])
def test_pictures_have_the_size_that_was_asked_for_and_are_in_range(kind, size):
    drawing = {"dcgan": generators.Dcgan(width=1), "mlp": generators.Mlp(widths=(4,))}
    judging = {"dcgan": discriminators.Dcgan(width=1), "mlp": discriminators.Mlp(widths=(4,))}
    x = drawing[kind].build(3, 3, size)(100 * torch.randn(2, 3))
    assert x.shape == (2, 3, size, size)
    assert x.abs().max() <= 1
    scores, features = judging[kind].build(3, size).judge(x)
    assert scores.shape == (2, 1)
    assert len(features) == ({32: 3, 64: 4, 128: 5, 256: 6}[size] if kind == "dcgan" else 1)


def test_a_label_head_reads_what_the_score_is_made_of():
    scores, logits, features = discriminators.Dcgan(width=2).build(3, 32, labels=5).read(torch.randn(2, 3, 32, 32))
    assert (scores.shape, logits.shape, features[-1].shape) == ((2, 1), (2, 5), (2, 8, 4, 4))


def test_similarities_are_those_computed_by_hand():
    # Two kernels of two numbers for each of three pictures; sums over the batch, with the picture itself.
    M = torch.tensor([[0.0, 0, 1, 2], [1, 0, 1, 2], [0, 2, 0, 0]], dtype=torch.float64)
    wanted = [(1.503215, 2.049787), (1.417666, 2.049787), (1.185122, 1.099574)]
    assert (3 * similarities(M, 2)).flatten().tolist() == pytest.approx([x for row in wanted for x in row], abs=1e-6)


def test_equal_pictures_are_told_by_a_discriminator_that_compares_them():
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(4, 3)
    assert sum(parameter.numel() for parameter in layer.T.parameters()) == 4 * 3 * 5
    different = torch.randn(8, 4)
    alike = different[:1].expand(8, 4)
    assert not torch.allclose(layer(different)[:1], layer(alike)[:1])
    network = discriminators.Dcgan(width=2, minibatch=3, norm="none").build(3, 32)
    x = torch.randn(4, 3, 32, 32)
    assert not torch.allclose(network(x)[:1], network(x[:1]))


def test_dropout_draws_in_training_alone_and_keeps_a_generator_as_it_is():
    network = discriminators.Mlp(widths=(8,), dropout=0.5).build(3, 32)
    x = torch.randn(2, 3, 32, 32)
    assert not torch.equal(network(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


def test_fully_connected_layers_begin_as_torch_draws_them_and_convolutions_as_the_paper_does():
    torch.manual_seed(0)
    G, D = generators.Mlp(widths=(4,)).build(3, 3, 32), discriminators.Mlp(widths=(4,)).build(3, 32)
    before = [parameter.clone() for network in (G, D) for parameter in network.parameters()]
    convolutions = generators.Dcgan(width=8).build(3, 3, 32)
    for network in (G, D, convolutions):
        initialise(network)
    after = [parameter for network in (G, D) for parameter in network.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert float(convolutions.main[3].weight.detach().std()) == pytest.approx(0.02, rel=0.05)


def test_a_transposed_convolution_is_the_adjoint_of_the_convolution():
    # The slide's kernel; with the other one that its worked sums use, conv gives 4, 7, -9, -1.
    x = torch.tensor([[3.0, 5, 0, 4], [6, 7, 1, 2], [7, 0, 0, 9], [9, 8, 8, 1]])[None, None]
    kernel = torch.tensor([[1.0, -1, 1], [1, 0, 0], [1, -1, -1]])[None, None]
    y = nn.functional.conv2d(x, kernel)
    assert y.flatten().tolist() == [11, 7, 0, 7]
    back = nn.functional.conv_transpose2d(y, kernel)
    assert back.flatten().tolist() == [11, -4, 4, 7, 11, 14, -7, 7, 11, 3, -18, -7, 0, 7, -7, -7]
    C = torch.stack([nn.functional.conv2d(one.view(1, 1, 4, 4), kernel).flatten() for one in torch.eye(16)], 1)
    assert torch.equal(C @ x.flatten(), y.flatten())
    assert torch.equal(C.T @ y.flatten(), back.flatten())
