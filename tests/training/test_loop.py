import signal
from dataclasses import replace

import pytest
import torch

from translate.data.augmentation import Augmentation
from translate.data.batches import KINDS, UnpairedBatches
from translate.data.store import Store
from translate.devices import engine
from translate.errors import DeviceError, Diverged, SettingsError
from translate.methods.base import settings_class
from translate.networks.memoryless import without_memory
from translate.toys.catalogue import draw
from translate.training import loop
from translate.training.checkpoint import Checkpoints
from translate.training.loop import RunPlan, Training, TrainingSettings
from translate.training.stop import StopSignals

TREE = {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}, "pool": 3}
METHOD = settings_class("cyclegan").parse(TREE)
DOMAINS = ["horse", "zebra"]
ENGINE = engine("cpu", "fp32")
AUGMENTATION = Augmentation(size=32)
STORES = {
    domain: Store(domain, draw("toy-horse2zebra", domain, "train", 5, AUGMENTATION.load_size), AUGMENTATION)
    for domain in DOMAINS
}


def settings(**changes):
    return TrainingSettings.parse({"steps": 8, "log_every": 2, "sample_every": 3, "checkpoint_every": 4, **changes})


def without(method, size):
    """Build a method whose tensors have no memory."""
    with without_memory():
        return method.build(DOMAINS, size)


def new_training(trained):
    torch.manual_seed(trained.seed)
    return Training(METHOD.build(DOMAINS, 32), without(METHOD, 32), ENGINE, trained)


def run(training, trained, folder, workers=0, stop=None, stop_after=None):
    """Train to the end, or until a signal comes while step `stop_after` is done; return all reports."""
    made = UnpairedBatches(STORES, AUGMENTATION, trained.batch, trained.seed)
    plan = RunPlan.of(trained, METHOD, made.steps_per_epoch)
    stop = stop or StopSignals()

    def batches():
        for batch in made.stream(training.step, plan.steps, workers):
            if training.step + 1 == stop_after:
                stop.received = signal.SIGINT
            yield batch

    return list(training.run(plan, batches(), Checkpoints(folder, {}, trained.keep), stop))


def everything(training):
    """All tensors the future of a run depends on, by name."""
    flat = {}

    def walk(name, value):
        if isinstance(value, dict):
            for key, below in value.items():
                walk(f"{name}.{key}", below)
        elif isinstance(value, list | tuple):
            walk(name, dict(enumerate(value)))
        else:
            flat[name] = value

    saved = training.checkpoint()
    walk("checkpoint", {name: getattr(saved, name) for name in ("step", "weights", "average", "state")})
    return flat


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == second[name].dtype, name
            assert torch.equal(value, second[name]), name
        else:
            assert value == second[name], name


def losses(reports):
    return {report.step: dict(report.losses) for report in reports if report.losses}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Eight steps without a stop."""
    training = new_training(settings())
    reports = run(training, settings(), tmp_path_factory.mktemp("straight"))
    return everything(training), reports


def test_the_state_that_is_compared_is_complete(straight):
    names = set(straight[0])
    assert "checkpoint.weights.pool_X.images" in names
    assert "checkpoint.weights.D_Y.model.0.weight" in names
    assert "checkpoint.average.1.model.1.weight" in names
    assert "checkpoint.state.optimisers.D.state.0.exp_avg_sq" in names
    assert int(straight[0]["checkpoint.weights.pool_X.count"]) == 3


@pytest.mark.parametrize("stop_after", [1, 3, 4, 7])
@pytest.mark.parametrize("workers", [(0, 0), (3, 1)])
@pytest.mark.fault("R-12", "R-13")
def test_a_run_that_was_stopped_continues_exactly(tmp_path, straight, stop_after, workers):
    before = run(new_training(settings()), settings(), tmp_path, workers[0], stop_after=stop_after)
    assert (before[-1].step, before[-1].saved) == (stop_after, True)
    training = new_training(settings(seed=5))  # what is not restored would differ
    training._settings = settings()
    training.restore(Checkpoints(tmp_path, {}, 2).newest()[0])
    assert training.step == stop_after
    after = run(training, settings(), tmp_path, workers[1])
    assert_equal(everything(training), straight[0])
    assert {**losses(before), **losses(after)} == losses(straight[1])
    assert [report.step for report in [*before, *after] if report.sample] == [0, 3, 6, 8]


@pytest.mark.parametrize("change", [{"log_every": 3}, {"sample_every": 1}, {"checkpoint_every": 1}, {"keep": 1}])
def test_how_often_it_reports_does_not_change_the_run(tmp_path, straight, change):
    training = new_training(settings(**change))
    run(training, settings(**change), tmp_path)
    found, expected = everything(training), straight[0]
    assert_equal({name: value for name, value in found.items() if "sum" not in name},
                 {name: value for name, value in expected.items() if "sum" not in name})  # fmt: skip


def test_another_seed_is_another_run(tmp_path, straight):
    training = new_training(settings(seed=1))
    run(training, settings(seed=1), tmp_path)
    assert not torch.equal(everything(training)["checkpoint.weights.G.model.1.weight"],
                           straight[0]["checkpoint.weights.G.model.1.weight"])  # fmt: skip


def test_what_a_step_draws_depends_on_the_seed_and_the_step_alone():
    drawn = {}
    for seed in (0, 1):
        training = new_training(settings(seed=seed))
        step = training.method.step

        def spy(batch, update, n, step=step, seed=seed):
            drawn.setdefault((seed, n), []).append(torch.rand(()).item())
            return step(batch, update, n)

        training.method.step = spy
        for _ in range(3):
            training.train_step(UnpairedBatches(STORES, AUGMENTATION, 1, 0)[0])
        training.step = 1
        training.train_step(UnpairedBatches(STORES, AUGMENTATION, 1, 0)[0])
    assert all(len(set(values)) == 1 for values in drawn.values())
    assert len({values[0] for values in drawn.values()}) == 6
    assert len(drawn[0, 1]) == 2


def test_what_happens_to_torchs_generator_between_steps_does_not_matter(tmp_path, straight):
    training = new_training(settings())
    made = UnpairedBatches(STORES, AUGMENTATION, 1, 0)
    plan = RunPlan.of(settings(), METHOD, made.steps_per_epoch)
    for _ in training.run(plan, made.stream(0, 8), Checkpoints(tmp_path, {}, 2), StopSignals()):
        torch.rand(7)
    assert_equal(everything(training), straight[0])


def test_reports_come_when_something_is_due(straight):
    reports = straight[1]
    assert [report.step for report in reports] == [0, 2, 3, 4, 4, 6, 8, 8]
    assert [report.step for report in reports if report.losses] == [2, 4, 6, 8]
    assert [report.step for report in reports if report.sample] == [0, 3, 6, 8]
    assert [report.step for report in reports if report.saved] == [4, 8]
    assert not any(report.saved and (report.losses or report.sample) for report in reports)
    assert reports[0].seconds_per_step == 0
    assert all(report.seconds_per_step > 0 for report in reports[1:])
    assert {report.skipped for report in reports} == {0}


def test_the_first_report_comes_before_the_first_step(tmp_path):
    training = new_training(settings())
    untouched = everything(training)
    made = UnpairedBatches(STORES, AUGMENTATION, 1, 0)
    plan = RunPlan.of(settings(), METHOD, made.steps_per_epoch)
    reports = training.run(plan, made.stream(0, 8), Checkpoints(tmp_path, {}, 2), StopSignals())
    first = next(reports)
    assert (first.step, first.sample, first.saved, first.losses) == (0, True, False, {})
    assert_equal(everything(training), untouched)


def test_what_a_checkpoint_has_behind_it_was_reported_before_it_is_written(tmp_path):
    """So a run that is killed between the two loses no line of its log."""
    training, checkpoints = new_training(settings()), Checkpoints(tmp_path, {}, 2)
    made = UnpairedBatches(STORES, AUGMENTATION, 1, 0)
    plan = RunPlan.of(settings(), METHOD, made.steps_per_epoch)
    for report in training.run(plan, made.stream(0, 8), checkpoints, StopSignals()):
        written = [int(place.name) for place in checkpoints.places()]
        assert (report.step in written) == report.saved


def test_logged_losses_are_means_over_the_steps_since_the_last_log(tmp_path, straight):
    training = new_training(settings(log_every=1))
    each = losses(run(training, settings(log_every=1), tmp_path))
    for step, found in losses(straight[1]).items():
        assert found == pytest.approx({name: (each[step][name] + each[step - 1][name]) / 2 for name in found})


def test_reported_learning_rates_are_those_of_the_plan(straight):
    factors = [1, 1, 1, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5]  # steps 1..8: half constant, half linear
    for report in straight[1][1:]:
        assert report.learning_rate == pytest.approx(2e-4 * factors[report.step - 1])


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    changed = settings(checkpoint_every=2)
    run(new_training(changed), changed, tmp_path)
    assert [place.name for place in Checkpoints(tmp_path, {}, 2).places()] == ["00000006", "00000008"]


def test_a_signal_finishes_the_step_and_saves(tmp_path):
    training = new_training(settings())
    reports = run(training, settings(), tmp_path, stop_after=5)
    assert training.step == reports[-1].step == 5
    assert reports[-1].saved
    assert [place.name for place in Checkpoints(tmp_path, {}, 2).places()] == ["00000004", "00000005"]


def test_a_signal_during_the_last_step_changes_nothing(tmp_path, straight):
    training = new_training(settings())
    run(training, settings(), tmp_path, stop_after=8)
    assert_equal(everything(training), straight[0])


def plan(steps_per_epoch=10, decay="linear", **changes):
    method = type(METHOD).parse({**METHOD.model_dump(mode="json"), "decay": decay})
    return RunPlan.of(TrainingSettings.parse(changes), method, steps_per_epoch)


def test_epochs_are_those_of_the_official_code():
    made = plan(10)
    assert made.steps == 2000
    for epoch, factor in {1: 1, 100: 1, 101: 100 / 101, 150: 51 / 101, 200: 1 / 101}.items():
        first = 10 * (epoch - 1)  # steps count from 0, epochs from 1
        assert [made.learning_rate_factor(n) for n in range(first, first + 10)] == [pytest.approx(factor)] * 10


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_steps_are_constant_for_half_and_then_linear(steps):
    made = plan(10, steps=steps)
    factors = [made.learning_rate_factor(n) for n in range(steps)]
    assert made.steps == steps
    assert factors[: steps // 2] == [1.0] * (steps // 2)
    falling = factors[steps // 2 :]
    decay = len(falling)
    assert falling == pytest.approx([1 - (k + 1) / (decay + 1) for k in range(decay)])
    assert factors[-1] > 0


def test_steps_decide_over_epochs():
    assert plan(10, steps=30, epochs=50).steps == 30
    assert plan(10, epochs=50).steps == 500


def test_a_method_may_keep_its_learning_rate():
    made = plan(10, decay="none")
    assert {made.learning_rate_factor(n) for n in range(2000)} == {1.0}


def test_a_rate_may_fall_late_or_in_steps():
    late = plan(10, decay={"kind": "linear", "start": 0.75}, epochs=8)
    assert [late.learning_rate_factor(10 * epoch) for epoch in range(8)] == pytest.approx([1] * 6 + [2 / 3, 1 / 3])
    stepped = plan(10, decay={"kind": "steps", "at": [0.25, 0.5], "by": 0.5}, steps=8)
    assert [stepped.learning_rate_factor(n) for n in range(8)] == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"steps": 8}, 25), ({"steps": 4000}, 100), ({"steps": 4000, "sample_every": 7}, 7), ({"epochs": 200}, 50)],
)
def test_samples_are_drawn_forty_times_but_not_more_often_than_every_25_steps(changes, expected):
    assert plan(10, **changes).sample_every == expected


class Poison:
    """Makes some steps of a method return and use losses that are not finite."""

    def __init__(self, method, steps):
        self.step, self.steps = method.step, steps

    def __call__(self, batch, update, n):
        if n not in self.steps:
            return self.step(batch, update, n)

        def poisoned(**losses):
            update(**{name: loss * float("nan") for name, loss in losses.items()})

        return {name: loss * float("nan") for name, loss in self.step(batch, poisoned, n).items()}


def poisoned_training(trained, steps):
    training = new_training(trained)
    training.method.step = Poison(training.method, steps)
    return training


@pytest.mark.fault("R-22")
def test_a_step_that_is_not_finite_is_skipped_and_counted_and_the_log_stays_finite(tmp_path):
    training = poisoned_training(settings(), {2, 5, 6})
    reports = run(training, settings(), tmp_path)
    assert training.step == 8
    assert {report.step: report.skipped for report in reports} == {0: 0, 2: 0, 3: 1, 4: 1, 6: 2, 8: 3}
    logged = losses(reports)
    assert sorted(logged) == [2, 4, 6, 8]
    assert all(torch.tensor(list(values.values())).isfinite().all() for values in logged.values())
    assert all(value.isfinite().all() for value in training.average.networks.parameters())


@pytest.mark.fault("R-22")
def test_a_skipped_step_moves_no_weight(tmp_path):
    training = poisoned_training(settings(steps=1), {0})
    before = {name: value.clone() for name, value in training.method.named_parameters()}
    run(training, settings(steps=1), tmp_path)
    assert_equal(dict(training.method.named_parameters()), before)


@pytest.mark.fault("R-22")
def test_a_skipped_step_leaves_running_statistics_as_they_were():
    method = settings_class("cyclegan").parse(TREE | {"discriminator": {"width": 2, "layers": 1, "norm": "batch"}})
    training = Training(method.build(DOMAINS, 32), without(method, 32), ENGINE, settings(steps=1))
    before = {name: value.clone() for name, value in training.method.named_buffers()}
    assert any(name.endswith("running_mean") for name in before)
    training.train_step({domain: torch.full((2, 3, 32, 32), float("inf")) for domain in DOMAINS})
    assert int(training.players.skipped) == 1
    assert_equal(dict(training.method.named_buffers()), before)


def test_skipped_steps_do_not_count_in_the_mean_and_a_log_of_skipped_steps_alone_is_empty(tmp_path):
    changed = settings(log_every=1, steps=4)
    one_by_one = run(poisoned_training(changed, {1}), changed, tmp_path / "one")
    assert sorted(losses(one_by_one)) == [1, 3, 4]
    both = run(poisoned_training(settings(steps=4), {1}), settings(steps=4), tmp_path / "both")
    assert losses(both)[2] == losses(one_by_one)[1]


@pytest.mark.fault("R-22")
def test_three_steps_in_a_row_that_are_not_finite_stop_the_run_and_keep_the_last_checkpoint(tmp_path):
    training = poisoned_training(settings(), {1, 5, 6, 7})
    with pytest.raises(Diverged) as caught:
        run(training, settings(), tmp_path)
    assert caught.value.exit_code == 1
    place = tmp_path / "00000004"
    assert str(caught.value).startswith(
        "The losses were not finite in 3 steps in a row, up to step 8."
        f" The last good checkpoint is kept in {place}. Try --precision fp32 or a lower rate"
    )
    read, damaged = Checkpoints(tmp_path, {}, 2).newest()
    assert (read.step, damaged) == (4, [])


@pytest.mark.fault("R-22")
def test_more_than_a_tenth_of_all_steps_that_are_not_finite_stop_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MOST", 2)
    with pytest.raises(Diverged, match=r"^The losses were not finite in 3 of 5 steps\. The last good .*00000004"):
        run(poisoned_training(settings(), {0, 2, 4}), settings(), tmp_path)


@pytest.mark.fault("R-22")
def test_reports_say_which_steps_were_skipped_also_before_the_run_stops(tmp_path):
    training, found = poisoned_training(settings(), {2, 5, 6, 7}), []
    made = UnpairedBatches(STORES, AUGMENTATION, 1, 0)
    plan = RunPlan.of(settings(), METHOD, made.steps_per_epoch)
    reports = training.run(plan, made.stream(0, 8), Checkpoints(tmp_path, {}, 2), StopSignals())
    with pytest.raises(Diverged, match="--nan-policy recover halves it and goes on"):
        found.extend((report.step, step) for report in reports for step in report.skipped_steps)
    assert found == [(3, 3), (6, 6), (8, 7), (8, 8)]


@pytest.mark.fault("R-22")
def test_no_checkpoint_is_made_of_a_moment_when_steps_are_skipped(tmp_path):
    run(poisoned_training(settings(), {3}), settings(), tmp_path)
    assert [place.name for place in Checkpoints(tmp_path, {}, 2).places()] == ["00000008"]


@pytest.mark.fault("R-22")
def test_a_rate_that_was_halved_stays_so_and_is_remembered(tmp_path, straight):
    training = new_training(settings())
    training.halve_rate()
    rates = [report.learning_rate for report in run(training, settings(), tmp_path, stop_after=5)]
    training = new_training(settings())
    training.restore(Checkpoints(tmp_path, {}, 2).newest()[0])
    assert training.halved == 1
    rates += [report.learning_rate for report in run(training, settings(), tmp_path)]
    assert max(rates) == 1e-4
    assert rates[-1] == straight[1][-1].learning_rate / 2


def test_divergence_before_the_first_checkpoint_says_so(tmp_path):
    with pytest.raises(Diverged, match=r"up to step 3\. No checkpoint was written yet\."):
        run(poisoned_training(settings(), {0, 1, 2}), settings(), tmp_path)


def test_skipped_steps_in_a_row_are_counted_across_a_stop(tmp_path):
    run(poisoned_training(settings(), {0, 1, 2}), settings(), tmp_path, stop_after=2)
    training = poisoned_training(settings(), {2})
    training.restore(Checkpoints(tmp_path, {}, 2).newest()[0])
    with pytest.raises(Diverged, match="up to step 3"):
        run(training, settings(), tmp_path)


def test_a_batch_worked_on_in_parts_gives_the_step_of_the_whole_batch():
    method = settings_class("cyclegan").parse({**TREE, "pool": 0})  # a pool would answer the parts in another order
    batches = [{domain: torch.rand(4, 3, 32, 32, dtype=torch.float64) * 2 - 1 for domain in DOMAINS} for _ in range(3)]
    after = []
    for accumulate in (1, 2, 4):
        torch.manual_seed(0)
        built, shadow = method.build(DOMAINS, 32).double(), without(method, 32)
        training = Training(built, shadow, ENGINE, settings(batch=4, accumulate=accumulate))
        for batch in batches:
            training.train_step(batch)
        after.append({**built.state_dict(), **training._sums})
    for parts in after[1:]:
        for name, whole in after[0].items():
            torch.testing.assert_close(parts[name], whole, rtol=0, atol=1e-10)


@pytest.mark.fault("R-44")
def test_a_deterministic_step_refuses_all_else_and_only_it(tmp_path):
    trained = settings(steps=2, deterministic=True)
    training, seen = new_training(trained), []
    step = training.method.step

    def spy(batch, update, n):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return step(batch, update, n)

    training.method.step = spy
    run(training, trained, tmp_path)
    assert (seen, torch.are_deterministic_algorithms_enabled()) == ([True, True], False)


@pytest.mark.fault("R-44")
def test_what_is_not_deterministic_is_one_sentence(tmp_path):
    """The words are torch's, which raises them on a GPU only."""
    training = new_training(settings(deterministic=True))

    def refused(*_):
        raise RuntimeError(
            "grid_sampler_2d_backward_cuda does not have a deterministic implementation, but you set"
            " 'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this operation"
        )

    training.method.step = refused
    with pytest.raises(SettingsError, match="grid_sampler_2d_backward_cuda does not have a deterministic implementat"):
        run(training, settings(deterministic=True), tmp_path)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["cut", "cyclegan", "discogan", "stargan"])
@pytest.mark.fault("R-44")
def test_on_a_gpu_every_method_trains_deterministically_to_the_same_bits(name):
    tree = {"stargan": {"discriminator": {"layers": 4}}, "discogan": {}}.get(name, {"diffaugment": "colour,cutout"})
    method, cuda, weights = settings_class(name).parse(tree), engine("cuda", "fp32"), []
    noise = KINDS[method.batches].noise(DOMAINS, 2, 64)
    for _ in range(2):
        torch.manual_seed(0)
        built, shadow = method.build(DOMAINS, 64), without(method, 64)
        training = Training(built, shadow, cuda, settings(deterministic=True))
        for _ in range(6):  # so that all players have moved
            training.train_step(noise)
        weights.append(training.method.state_dict())
    assert_equal(*weights)


@pytest.mark.parametrize(("ranks", "dropout", "number"), [(1, False, 2), (1, True, 2), (2, False, 2), (2, True, 0)])
def test_generators_are_compiled_for_each_shape_and_discriminators_are_not(monkeypatch, ranks, dropout, number):
    """Nor what draws for the whole batch, where ranks hold parts of it: they send messages then."""
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network, **how: compiled.append((network, how)))
    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    monkeypatch.setattr(loop, "world", lambda: ranks)
    method = settings_class("cyclegan").parse({**TREE, "generator": {"width": 2, "blocks": 1, "dropout": dropout}})
    built, shadow = method.build(DOMAINS, 32), without(method, 32)
    Training(built, shadow, replace(ENGINE, compiled=True), settings())
    assert compiled == [(network, {"dynamic": False}) for network in (built.G, built.F)][:number]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
@pytest.mark.parametrize("before", [0, 5])
@pytest.mark.fault("R-26", "R-27")
def test_a_step_without_memory_says_what_takes_less_and_loses_nothing(tmp_path, monkeypatch, error, before):
    training, step = new_training(settings()), Training.train_step

    def full(self, batch):
        if self.step == before:
            raise error
        step(self, batch)

    monkeypatch.setattr(Training, "train_step", full)
    with pytest.raises(DeviceError, match=r"not enough memory for a step\. Start again with --accumulate 2"):
        run(training, settings(), tmp_path)
    newest, damaged = Checkpoints(tmp_path, {}, 2).newest()
    assert (newest.step if newest else 0, damaged) == (before // 4 * 4, [])
