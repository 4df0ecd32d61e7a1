"""EBGAN and BEGAN: values computed by hand, and a restatement of their steps in float64."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from translate.errors import SettingsError
from translate.methods.ebgan import EBGAN, Settings
from translate.noise.autoencoder import Autoencoder, Decoder, pulling_away
from translate.optimisers import Adam

SIDE, N = 32, 4
TINY: dict[str, Any] = {"latent": 3, "generator": {"width": 2}, "discriminator": {"width": 2, "code": 4}}


def built(**settings: Any) -> EBGAN:
    torch.manual_seed(0)
    return Settings.parse({**TINY, **settings}).build(["faces"], SIDE).double()


def staged(method: EBGAN, *energies: tuple[float, ...]) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Do a step in which D gives these energies: of real pictures, of drawn ones, and of these once D has moved."""
    given, losses = iter(energies), dict[str, Tensor]()
    method._energies = lambda _: (torch.tensor(next(given), dtype=torch.float64), torch.eye(2).double())  # type: ignore[method-assign]
    x = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.float64)
    found = method.step({"x": x}, lambda **kept: losses.update(kept), 0)
    return {name: float(value) for name, value in found.items()}, losses


def test_the_margin_is_of_each_picture():
    found, losses = staged(built(margin=10.0), (1, 3), (4, 12), (4, 12))
    assert (float(losses["D"]), float(losses["G"])) == (5, 8)
    assert (found["D_x"], found["D_g"], found["PT"]) == (2, 8, 0)
    assert (found["acc_real"], found["acc_fake"]) == (1, 0.5)  # halfway is 5


@pytest.mark.parametrize(
    ("codes", "value"),
    [([(1, 0), (1, 1), (0, 2)], 1 / 3), ([(1, 2), (1, 2)], 1), ([(1, 0), (0, 3)], 0), ([(1, 0), (-2, 0)], 1)],
)
def test_codes_are_pulled_away_from_each_other(codes, value):
    assert float(pulling_away(torch.tensor(codes, dtype=torch.float64))) == pytest.approx(value)


def test_k_is_used_before_it_is_moved_and_holds_the_balance():
    method = built(balance="equilibrium")
    wanted = [(0.4, 0.1, 0.0001, 0.5, 0.4), (0.3, 0.2, 0.00005, 0.35, 0.29998), (0.3, 0.05, 0.00015, 0.4, 0.2999975)]
    for real, fake, k, M, L_D in wanted:
        found, losses = staged(method, (real, real), (fake, fake), (fake, fake))
        assert float(method.k) == pytest.approx(k, abs=1e-9)
        assert found["M"] == pytest.approx(M)
        assert float(losses["D"]) == pytest.approx(L_D, abs=1e-9)
    assert "k" in method.state_dict()
    for _ in range(3):
        staged(built(balance="equilibrium", lambda_k=5.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0))
    assert float(method.k) >= 0


@pytest.mark.parametrize("balance", ["margin", "equilibrium"])
def test_two_steps_are_those_of_the_papers(balance):
    method = built(balance=balance)
    G, D, k = copy.deepcopy(method.G), copy.deepcopy(method.D), 0.0
    x = torch.rand(N, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double() * 2 - 1
    optimiser = method.settings.optimiser
    ours = {
        name: optimiser.build([p for one in networks for p in one.parameters()])
        for name, networks in method.players().items()
    }
    parameters = {"G": [*method.G.parameters()], "D": [*method.D.parameters()]}

    def update(**losses: Tensor) -> None:
        for name, loss in losses.items():
            for parameter, gradient in zip(parameters[name], torch.autograd.grad(loss, parameters[name]), strict=True):
                parameter.grad = torch.empty_like(parameter).copy_(gradient)
            ours[name].step()

    move_D, move_G = (optimiser.build([*network.parameters()]) for network in (D, G))
    for n in range(2):
        torch.manual_seed(n)
        found = method.step({"x": x}, update, n)

        torch.manual_seed(n)
        z = torch.randn(N, 3, dtype=torch.float64)

        def energy(v: Tensor) -> Tensor:
            apart = D(v)[0] - v
            return (apart**2 if balance == "margin" else apart.abs()).flatten(1).mean(1)

        g = G(z)
        fake = energy(g.detach())
        L_D = energy(x).mean() + ((0.2 - fake).clamp(0).mean() if balance == "margin" else -k * fake.mean())
        L_x = energy(x).mean().item()
        move_D.zero_grad()
        L_D.backward()
        move_D.step()
        L_G = energy(g).mean()
        if balance == "equilibrium":
            k = min(max(k + 1e-3 * (0.5 * L_x - L_G.item()), 0), 1)
            assert float(method.k) == pytest.approx(k)
        else:
            S = D(g)[1]
            cosines = [torch.cosine_similarity(S[i], S[j], 0) ** 2 for i in range(N) for j in range(N) if i != j]
            L_G = L_G + 0.1 * torch.stack(cosines).mean()
        move_G.zero_grad()
        L_G.backward()
        move_G.step()
    assert set(found) == set(method.terms())
    for mine, theirs in ((method.G, G), (method.D, D)):
        for one, other in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("size", "width", "counts"),
    [(32, 64, (489_539, 2_310_979)), (64, 64, (563_395, 4_011_651)), (64, 128, (1_716_611, 13_405_379)),
     (128, 128, (2_011_779, 23_221_443))],
)  # fmt: skip
def test_networks_have_the_size_of_the_official_ones(size, width, counts):
    with torch.device("meta"):
        G, D = Decoder(width=width).build(64, 3, size), Autoencoder(width=width).build(3, size)
        assert tuple(sum(p.numel() for p in network.parameters()) for network in (G, D)) == counts
        assert G(torch.empty(2, 64)).shape == D(torch.empty(2, 3, size, size))[0].shape == (2, 3, size, size)
        assert D(torch.empty(2, 3, size, size))[1].shape == (2, 64)


def test_each_paper_has_its_rate_and_pictures_are_in_range_once_it_is_trained():
    assert Settings().optimiser == Adam(lr=2e-4)
    assert Settings.parse({"balance": "equilibrium"}).optimiser == Adam(lr=8e-5)
    method = built().eval()
    with torch.no_grad():
        method.G.main[-1].bias.fill_(3.0)
    assert method.sample(torch.zeros(1, 3, dtype=torch.float64)).max() == 1


def test_a_single_picture_is_refused_for_it_has_nothing_to_be_pulled_away_from():
    with pytest.raises(SettingsError, match="batch of at least 2"):
        Settings().check(["faces"], 32, 1)
