import copy

import pytest
import torch
from torch import nn

from translate.errors import SettingsError
from translate.methods.base import Method, MethodSettings
from translate.optimisers import Adam, RMSprop
from translate.training.loss_scale import LossScale
from translate.training.players import Average, Players


class Duel(Method):
    """Two players of two parameters each: w for G, v for D; "G" also has a buffer."""

    def __init__(self, lr=0.1, **settings):
        super().__init__()
        self.settings = MethodSettings(name="duel", optimiser=Adam(lr=lr), **settings)
        self.G, self.D = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
        self.G.register_buffer("seen", torch.zeros((), dtype=torch.long))
        for network, weights in ((self.G, [[1.0, 2.0]]), (self.D, [[3.0, 4.0]])):
            network.weight.data.copy_(torch.tensor(weights))

    def players(self):
        return {"G": [self.G], "D": [self.D]}

    def averaged(self):
        return [self.G]


def step(players, **losses):
    """A step in which players are called once."""
    players(**losses)
    players.end_step()


def moments(players):
    """Everything the optimisers hold, flat."""
    return {
        (name, index, key): value.clone()
        for name, state in players.state()["optimisers"].items()
        for index, values in state["state"].items()
        for key, value in values.items()
    }


def snapshot(duel, players):
    weights = {name: tensor.clone() for name, tensor in duel.state_dict().items()}
    return weights | moments(players)


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def good(duel):
    """Losses in which both players' networks take part."""
    together = (duel.G.weight * duel.D.weight).sum()
    return {"G": together, "D": -1.0 * (duel.G.weight * duel.D.weight).sum()}


@pytest.mark.parametrize("named", [("G",), ("D",), ("G", "D")])
def test_only_the_named_players_move(named):
    duel = Duel()
    players = Players(duel)
    before = {name: network.weight.clone() for name, network in (("G", duel.G), ("D", duel.D))}
    step(players, **{name: loss for name, loss in good(duel).items() if name in named})
    moved = [name for name, network in (("G", duel.G), ("D", duel.D)) if not torch.equal(network.weight, before[name])]
    assert moved == list(named)
    assert {key[0] for key in moments(players)} == set(named)


def test_the_first_adam_step_goes_against_the_sign_of_the_gradient():
    duel = Duel(lr=0.1)
    Players(duel)(**good(duel))
    torch.testing.assert_close(duel.G.weight.data, torch.tensor([[0.9, 1.9]]))  # gradient of G: (3, 4)
    torch.testing.assert_close(duel.D.weight.data, torch.tensor([[3.1, 4.1]]))  # gradient of D: (-1, -2)


def test_one_players_loss_reaches_no_other_player():
    """Each player's first moment is (1 - beta1) times the gradient of its own loss alone, at the weights before."""
    duel = Duel()
    players = Players(duel)
    step(players, **good(duel))
    held = moments(players)
    torch.testing.assert_close(held["G", 0, "exp_avg"], 0.5 * torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(held["D", 0, "exp_avg"], 0.5 * torch.tensor([[-1.0, -2.0]]))
    assert duel.G.weight.grad is None
    assert duel.D.weight.grad is None


def broken_loss(duel):
    return {**good(duel), "D": duel.D.weight.sum() * float("nan")}


def infinite_loss(duel):
    return {**good(duel), "G": duel.G.weight.sum() * float("inf")}


def broken_gradient(duel):
    """A finite loss whose gradient is 0 * inf."""
    return {**good(duel), "G": torch.sqrt(duel.G.weight - duel.G.weight.detach()).sum()}


POISONS = [broken_loss, infinite_loss, broken_gradient]


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("steps_before", [1, 3])
@pytest.mark.fault("R-22")
def test_a_step_that_is_not_finite_moves_nobody(poison, steps_before):
    duel = Duel()
    players = Players(duel)
    for _ in range(steps_before):
        step(players, **good(duel))
    before = snapshot(duel, players)
    step(players, **poison(duel))
    assert equal(snapshot(duel, players), before)
    assert (int(players.skipped), int(players.in_a_row)) == (1, 1)


@pytest.mark.parametrize("poison", POISONS)
def test_a_first_step_that_is_not_finite_is_as_if_it_had_not_been(poison):
    duel, other = Duel(), Duel()
    players, others = Players(duel), Players(other)
    step(players, **poison(duel))
    for _ in range(2):
        step(players, **good(duel))
        step(others, **good(other))
    assert equal(snapshot(duel, players), snapshot(other, others))


def test_skipped_steps_are_counted_in_all_and_in_a_row():
    duel = Duel()
    players = Players(duel)
    counts = []
    for make in (good, broken_loss, infinite_loss, good, broken_gradient, broken_loss, broken_loss, good):
        step(players, **make(duel))
        counts.append((int(players.skipped), int(players.in_a_row)))
    assert counts == [(0, 0), (1, 1), (2, 2), (2, 0), (3, 1), (4, 2), (5, 3), (5, 0)]
    assert all(tensor.isfinite().all() for tensor in duel.state_dict().values())


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
@pytest.mark.fault("R-22")
def test_after_a_loss_that_is_not_finite_nobody_moves_until_the_step_ends(factor):
    duel = Duel()
    players = Players(duel)
    step(players, **good(duel))
    before = snapshot(duel, players)
    for in_a_row in (1, 2):  # steps in which D is called first, and fails
        players(D=duel.D.weight.sum() * factor)
        players(G=duel.G.weight.sum())
        players.end_step()
        assert equal(snapshot(duel, players), before)
        assert (int(players.skipped), int(players.failed), int(players.in_a_row)) == (in_a_row,) * 3
        assert not players.moved


def test_a_step_in_which_the_second_of_two_fails_is_skipped_once_and_counts_in_a_row():
    duel = Duel()
    players = Players(duel)
    for in_a_row in (1, 2, 3):
        before = {"G": duel.G.weight.clone(), "D": duel.D.weight.clone()}
        players(D=duel.D.weight.sum())
        players(G=duel.G.weight.sum() * torch.inf)
        players.end_step()
        assert torch.equal(duel.G.weight, before["G"])
        assert not torch.equal(duel.D.weight, before["D"])  # it moved before anything had failed
        assert (int(players.skipped), int(players.in_a_row)) == (in_a_row, in_a_row)


def test_the_learning_rate_is_a_share_of_the_one_in_the_settings():
    duel = Duel(lr=0.1)
    players = Players(duel)
    assert players.set_learning_rate(0.5) == pytest.approx(0.05)
    assert players.set_learning_rate(0.25) == pytest.approx(0.025)  # not of the previous one
    step(players, **good(duel))
    torch.testing.assert_close(duel.G.weight.data, torch.tensor([[0.975, 1.975]]))
    torch.testing.assert_close(duel.D.weight.data, torch.tensor([[3.025, 4.025]]))


def test_discriminators_may_have_another_rate_than_generators():
    duel = Duel(lr=0.1, rates={"D": 4.0})
    players = Players(duel)
    assert players.set_learning_rate(0.5) == pytest.approx(0.05)
    step(players, **good(duel))
    torch.testing.assert_close(duel.G.weight.data, torch.tensor([[0.95, 1.95]]))
    torch.testing.assert_close(duel.D.weight.data, torch.tensor([[3.2, 4.2]]))


def test_a_player_may_have_an_optimiser_of_its_own():
    duel = Duel(lr=0.1, optimisers={"D": RMSprop(lr=0.01, alpha=0.75)}, rates={"D": 3.0})
    players = Players(duel)
    players.set_learning_rate(1.0)
    step(players, **good(duel))
    torch.testing.assert_close(duel.G.weight.data, torch.tensor([[0.9, 1.9]]))
    torch.testing.assert_close(duel.D.weight.data, torch.tensor([[3.06, 4.06]]))  # 0.03 g / sqrt((1 - 0.75) g^2)
    before = duel.D.weight.clone()
    step(players, **broken_loss(duel))
    assert torch.equal(duel.D.weight, before)  # it has no fused form, and still stays


def test_runs_and_exports_from_before_there_were_rates_say_ttur():
    settings = MethodSettings.parse({"name": "duel", "ttur": 4.0})
    assert settings.rates == {"D": 4.0}
    assert MethodSettings.parse({"name": "duel", "ttur": 1}).rates == {}


@pytest.mark.parametrize("settings", [{"rates": {"C": 2.0}}, {"optimisers": {"C": Adam()}}])
def test_settings_of_an_unknown_player_are_refused(settings):
    with pytest.raises(SettingsError, match=r"duel has no player 'C'\. Its players: G, D\."):
        Players(Duel(**settings))


def test_players_with_one_loss_share_a_backward_pass():
    apart, joint = Duel(), Duel()
    Players(apart)(**{name: 2.0 * loss for name, loss in good(apart).items()} | {"D": 2.0 * good(apart)["G"]})
    loss = 2.0 * good(joint)["G"]
    Players(joint)(G=loss, D=loss)
    assert torch.equal(joint.G.weight, apart.G.weight)
    assert torch.equal(joint.D.weight, apart.D.weight)


def test_what_is_frozen_or_not_used_stays_and_starts_its_moments_when_it_first_plays():
    duel = Duel()
    duel.G.late = nn.Parameter(torch.ones(2))
    duel.G.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
    players = Players(duel)
    step(players, G=duel.G.weight.sum())
    assert (duel.G.late == 1).all()
    step(players, G=duel.G.weight.sum() + duel.G.late.sum())
    assert (duel.G.late < 1).all()
    assert (duel.G.frozen == 1).all()
    steps = [state["step"].item() for state in players.state()["optimisers"]["G"]["state"].values()]
    assert steps == [2, 1]


def test_players_continue_from_their_state_bit_for_bit():
    duel = Duel()
    players = Players(duel)
    for make in (good, broken_loss):
        step(players, **make(duel))
    twin = Duel()
    twin.load_state_dict(duel.state_dict())
    others = Players(twin)
    others.load(copy.deepcopy(players.state()))
    assert (int(others.skipped), int(others.failed), int(others.in_a_row)) == (1, 1, 1)
    for _ in range(3):
        step(players, **good(duel))
        step(others, **good(twin))
    assert equal(snapshot(duel, players), snapshot(twin, others))
    assert int(others.in_a_row) == 0


class Layered(Method):
    """One convolution for each player, in channels-last or not."""

    def __init__(self, layout):
        super().__init__()
        self.settings = MethodSettings(name="layered", optimiser=Adam(lr=0.1))
        torch.manual_seed(0)
        self.G, self.D = nn.Conv2d(3, 4, 2).double(), nn.Conv2d(3, 4, 2).double()
        self.to(memory_format=layout)

    def players(self):
        return {"G": [self.G], "D": [self.D]}


class Turned(torch.autograd.Function):
    """The identity, whose gradient comes back in another memory layout."""

    @staticmethod
    def forward(ctx, weight, layout):
        ctx.layout = layout
        return weight.clone()

    @staticmethod
    def backward(ctx, gradient):
        return torch.empty_like(gradient, memory_format=ctx.layout).copy_(gradient), None


LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("gradient_layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_gradient_in_another_memory_layout_moves_the_right_elements(layout, gradient_layout):
    """Fused Adam on a CPU takes for granted that a parameter and its gradient have equal strides."""
    method, slopes = Layered(layout), torch.randn(4, 3, 2, 2, dtype=torch.float64)
    players, weight = Players(method), method.G.weight
    plain = weight.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    adam = torch.optim.Adam([plain], 0.1, (0.5, 0.999), fused=False, foreach=False)
    for n in range(3):
        turned = Turned.apply(weight, gradient_layout)
        step(players, G=(turned * slopes).sum() * (n + 1) + turned.square().sum() + method.G.bias.sum())
        plain.grad = slopes * (n + 1) + 2 * plain.detach()
        adam.step()
        torch.testing.assert_close(weight, plain, rtol=0, atol=1e-12)
    assert weight.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("continued", LAYOUTS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_players_continue_in_another_memory_layout(layout, continued):
    """A run may be continued on a device that lays out memory in another way."""

    def steps(method, players):
        for n in range(2):
            step(players, G=(method.G.weight.square() * slopes).sum() * (n + 1) + method.G.bias.sum())

    torch.manual_seed(1)
    method, other, slopes = Layered(layout), Layered(continued), torch.randn(4, 3, 2, 2, dtype=torch.float64)
    players, others = Players(method), Players(other)
    steps(method, players)
    other.load_state_dict(method.state_dict())
    others.load(copy.deepcopy(players.state()))
    steps(method, players)
    steps(other, others)
    torch.testing.assert_close(other.G.weight, method.G.weight, rtol=0, atol=1e-12)


def test_half_precision_passes_after_an_update_use_the_weights_that_moved():
    """Autocast remembers the copies that it made of the weights."""
    duel = Duel(lr=0.5)
    players, x = Players(duel), torch.ones(1, 2)
    with torch.autocast("cpu", torch.bfloat16):
        before = duel.D(x)
        step(players, D=before.float().sum())
        after = duel.D(x)
    assert (float(before.detach()), float(after.detach())) == (7, 6)  # both weights went down by 0.5
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(duel.D(x), after)


def test_the_average_starts_as_a_copy_and_follows_the_formula():
    duel = Duel()
    average = Average(duel, Duel(), limit=0.5)
    expected = duel.G.weight.detach().clone()
    decays = []
    for n in range(12):
        with torch.no_grad():
            duel.G.weight.add_(1.0 + n)
        average.update(n)
        decays.append(min(0.5, (1 + n) / (10 + n)))
        expected = decays[-1] * expected + (1 - decays[-1]) * duel.G.weight.detach()
        torch.testing.assert_close(average.method.G.weight.data, expected)
    assert decays[:2] == [0.1, 2 / 11]
    assert decays[7:] == pytest.approx([8 / 17, 0.5, 0.5, 0.5, 0.5])


def test_the_average_copies_buffers_and_takes_no_gradient_and_shares_no_memory():
    duel = Duel()
    average = Average(duel, Duel(), limit=0.9)
    duel.G.seen += 7
    with torch.no_grad():
        duel.G.weight.fill_(100.0)
    assert average.method.G.weight.tolist() == [[1.0, 2.0]]
    assert int(average.method.G.seen) == 0
    average.update(0)
    assert int(average.method.G.seen) == 7
    assert not average.method.training
    assert not any(parameter.requires_grad for parameter in average.method.parameters())
    assert all(parameter.requires_grad for parameter in duel.parameters())


def test_the_shadow_of_an_average_needs_no_memory_of_its_own():
    duel = Duel()
    with torch.device("meta"):
        shadow = nn.ModuleDict({"G": nn.Linear(2, 1, bias=False), "D": nn.Linear(2, 1, bias=False)})
    shadow["G"].register_buffer("seen", torch.zeros((), dtype=torch.long, device="meta"))
    shadow.averaged = lambda: [shadow["G"]]
    average = Average(duel, shadow, limit=0.9)
    average.update(0)
    assert shadow["G"].weight.device.type == "cpu"
    assert shadow["D"].weight.is_meta


def test_parts_of_a_batch_move_nobody_before_the_last_and_then_by_their_mean():
    duel, whole = Duel(), Duel()
    players = Players(duel, parts=2)
    players(G=(duel.G.weight * torch.tensor([1.0, 4.0])).sum())
    assert torch.equal(duel.G.weight, whole.G.weight)
    players(G=(duel.G.weight * torch.tensor([3.0, -2.0])).sum())
    assert torch.equal(duel.G.weight, whole.G.weight)
    players.end_step()
    others = Players(whole)
    others(G=(whole.G.weight * torch.tensor([2.0, 1.0])).sum())
    assert equal(snapshot(duel, players), snapshot(whole, others))
    players.end_step()  # nobody was called since
    assert equal(snapshot(duel, players), snapshot(whole, others))


def test_one_part_that_is_not_finite_keeps_everybody_where_they_are():
    duel = Duel()
    before, players = duel.G.weight.clone(), Players(duel, parts=2)
    players(G=duel.G.weight.sum() * torch.inf)
    players(G=duel.G.weight.sum())
    players.end_step()
    assert torch.equal(duel.G.weight, before)
    assert (int(players.skipped), bool(players.moved)) == (1, False)


def test_scaled_losses_move_everybody_as_others_do():
    duel, plain = Duel(), Duel()
    scaled, unscaled = Players(duel, scale=LossScale(torch.device("cpu"))), Players(plain)
    for _ in range(3):
        step(scaled, **good(duel))
        step(unscaled, **good(plain))
    assert equal(snapshot(duel, scaled), snapshot(plain, unscaled))  # powers of two leave no trace


@pytest.mark.fault("R-24")
def test_an_overflow_halves_the_scale_and_is_no_divergence_while_that_helps():
    duel = Duel()
    scale = LossScale(torch.device("cpu"))
    players, first = Players(duel, scale=scale), float(scale.value)
    for skipped in range(1, 13):
        step(players, G=duel.G.weight.sum() * torch.inf)
        assert float(scale.value) == first / 2**skipped
    assert float(scale.value) == 1
    assert (int(players.skipped), int(players.failed), int(players.in_a_row)) == (12, 0, 0)
    step(players, G=duel.G.weight.sum() * torch.inf)
    assert (float(scale.value), int(players.failed), int(players.in_a_row)) == (1, 1, 1)


def test_the_scale_is_doubled_after_many_steps_without_an_overflow_and_is_restored(monkeypatch):
    monkeypatch.setattr("translate.training.loss_scale.PATIENCE", 2)
    duel = Duel()
    scale, again = LossScale(torch.device("cpu")), LossScale(torch.device("cpu"))
    players, first = Players(duel, scale=scale), float(scale.value)
    found = []
    for _ in range(5):
        step(players, **good(duel))
        found.append(float(scale.value) / first)
    assert found == [1, 2, 2, 4, 4]
    Players(Duel(), scale=again).load(copy.deepcopy(players.state()))
    assert again.state() == scale.state()
