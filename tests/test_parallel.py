"""Two processes train as one does. Run as a script, this file is what each of the two does."""

import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from translate import images, parallel
from translate.data.augmentation import Augmentation
from translate.data.batches import LabelledBatches, UnpairedBatches
from translate.data.store import Store
from translate.devices import Engine
from translate.errors import DataError, ProcessLost, SettingsError
from translate.methods.base import settings_class
from translate.networks.memoryless import without_memory
from translate.noise.autoencoder import pulling_away
from translate.noise.progressive import with_deviation
from translate.runs import fitting, prepare
from translate.runs.frozen_features import fill_frozen
from translate.training.checkpoint import Checkpoints
from translate.training.loop import RunPlan, Training, TrainingSettings
from translate.training.record import read_log
from translate.training.stop import StopSignals

pytestmark = pytest.mark.timeout(600)  # two processes that wait for each other are slow on a busy machine

STEPS = 7
BATCH = 4  # of both ranks together
DOMAINS = ["a", "b"]
DRAWN = ["colour", "cutout"]  # without translation, since importing kornia takes seconds
PIXELS = {"width": 2, "layers": 1, "norm": "batch", "spectral_norm": True}
CASES = {  # size in pixels, and settings
    "cut": (
        32,
        {
            "generator": {"width": 2, "blocks": 3, "dropout": True},
            "discriminator": {"kind": "several", "critics": [{"critic": PIXELS},
                                                             {"critic": PIXELS, "weight": 0.5}]},
            "taps": ["pixels", "down1", "block1"],
            "patches": 16,
            "features": 8,
            "lambda_idt": 1.0,
            "flip": True,
            "diffaugment": DRAWN,
            "init_gain": 0.5,
        },
    ),
    "cyclegan": (
        32,
        {
            "generator": {"width": 2, "blocks": 1, "dropout": True},
            "discriminator": {"width": 2, "layers": 1, "norm": "batch"},
            "pool": 6,
            "diffaugment": DRAWN,
        },
    ),
    "discogan": (
        64,
        {"generator": {"width": 2}, "discriminator": {"width": 2}, "diffaugment": DRAWN, "init_gain": 0.5},
    ),
    "stargan": (32, {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 4}}),
    "stargan with critics": (
        32,
        {
            "generator": {"width": 2, "blocks": 1},
            "discriminator": {"kind": "several", "critics": [{"critic": PIXELS},
                                                             {"critic": PIXELS, "weight": 0.5}]},
            "g_every": 2,
            "diffaugment": DRAWN,
        },
    ),
}  # fmt: skip


class Noise:
    """Seven pictures of noise, which get brighter."""

    def __init__(self, seed):
        self.seed = seed

    def __len__(self):
        return 7

    def __getitem__(self, index):
        noise = np.random.default_rng([self.seed, index]).integers(0, 130, (72, 72, 3))
        return (noise + 20 * index).astype(np.uint8)

    def name(self, index):
        return f"{index}.png"


def new_training(case, settings):
    size, tree = CASES[case]
    method = settings_class(case.split()[0]).parse(tree)
    torch.manual_seed(0)
    built = method.build(DOMAINS, size).double()
    with without_memory():
        shadow = method.build(DOMAINS, size).double()
    fill_frozen(built)
    return Training(built, shadow, Engine(torch.device("cpu"), torch.float32, torch.contiguous_format), settings)


def trained(case, folder, steps=STEPS, stop=None):
    """Train in float64; return everything a checkpoint holds, and the losses of every step."""
    settings = TrainingSettings(steps=steps, batch=BATCH, log_every=1)
    training = new_training(case, settings)
    labels = {domain: np.tile(np.eye(2, dtype=np.float32)[number], (7, 1)) for number, domain in enumerate(DOMAINS)}
    augmentation = Augmentation(size=CASES[case][0])
    stores = {
        domain: Store(domain, Noise(number), augmentation, labels=labels[domain])
        for number, domain in enumerate(DOMAINS)
    }
    kind = {"unpaired": UnpairedBatches, "labelled": LabelledBatches}[training.method.settings.batches]
    batches = kind(stores, augmentation, BATCH, 0)
    plan = RunPlan.of(settings, training.method.settings, batches.steps_per_epoch)
    stream = (
        {name: pixels.double() / 127.5 - 1 if name != "c" else pixels.double() for name, pixels in batch.items()}
        for batch in batches.stream(0, steps)
    )
    losses = {}
    for report in training.run(plan, stream, Checkpoints(folder, {}, 1), stop or StopSignals()):
        losses |= {f"{report.step} {name}": torch.tensor(loss) for name, loss in report.losses.items()}
    saved = training.checkpoint()
    moments = {
        f"{player} {index} {name}": value
        for player, optimiser in saved.state["optimisers"].items()
        for index, held in optimiser["state"].items()
        for name, value in held.items()
    }
    return {"weights": dict(saved.weights), "average": dict(saved.average), "moments": moments, "losses": losses}


def gradients(positions):
    """The gradient, with respect to each picture, of a function of the mean over the whole batch, and its square."""
    x = torch.arange(1.0, 5.0, dtype=torch.float64)[positions].requires_grad_()
    loss = (parallel.mean(x.mean()) ** 2 * x).mean()  # differs from rank to rank
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().mean(), x)
    return first.detach(), second


def of_noise(positions):
    """Terms of EBGAN and of ProGAN that compare the pictures of a batch, and their gradients for each picture."""
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)[positions].requires_grad_()
    term = pulling_away(x)
    (gradient,) = torch.autograd.grad(term, x)
    return term.detach(), gradient, with_deviation(x.detach()[..., None, None])


def skipped():
    """Do a step whose losses are not finite on rank 1; return how many were skipped, and whether a weight moved."""
    training = new_training("cyclegan", TrainingSettings(batch=BATCH))
    before = {name: value.clone() for name, value in training.method.named_parameters()}
    factor = float("nan") if parallel.rank() == 1 else 1.0
    step = training.method.step

    def poisoned(batch, update, n):
        return step(batch, lambda **losses: update(**{name: factor * loss for name, loss in losses.items()}), n)

    training.method.step = poisoned
    training.train_step({domain: torch.zeros(2, 3, 32, 32, dtype=torch.float64) for domain in DOMAINS})
    moved = [name for name, value in training.method.named_parameters() if not torch.equal(value, before[name])]
    return int(training.players.skipped), moved


def tiny_run(out, batch, pictures="pictures", run="run"):
    words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}"]
    words += ["method.pool=3", "training.log_every=1", "training.checkpoint_every=2"]
    return prepare(
        out / pictures, out=out / run, size=32, batch=batch, steps=6, words=words, device="cpu", precision="fp32"
    )


def drawn(whole):
    """What is drawn for this rank's part of a whole batch."""
    torch.manual_seed(0)
    x = parallel.local_part(whole)
    return [parallel.permuted(x), parallel.rand_for(x, 2, 1), parallel.randn_for(x, 3)]


def as_a_rank(out):
    """Do everything that is asserted below, leave what was found, and wait for the other rank until it is killed."""
    torch.set_num_threads(1)
    parallel.LEAVE_S = 2.0  # enough for torch to say on busy cores, too, that the other is gone
    with parallel.joined():
        number = parallel.rank()
        found = {case: trained(case, out / f"{case} {number}") for case in CASES}
        found["gradients"] = gradients(parallel.local_part(range(4)))
        found["of noise"] = of_noise(parallel.local_part(range(8)))
        found["alike"] = [
            parallel.same_on_all_ranks(3, 4),
            parallel.same_on_all_ranks(3, number),
            parallel.same_on_all_ranks(number, 3),
        ]
        found["drawn"] = drawn(torch.arange(4))
        found["skipped"] = skipped()
        fitting.available_memory = lambda: (1 << 60, 0)[number]  # so rank 1 fits no more than one picture
        found["largest"] = [tiny_run(out, "auto", run="measured").recipe.training.batch, parallel.world()]
        run = tiny_run(out, batch=2)
        reports = []
        for report in run.start():
            reports.append((report.step, report.losses))
            if report.step == 3 and report.losses and number == 1:
                os.kill(os.getpid(), signal.SIGTERM)
        found["run"] = reports, run.interrupted
        try:
            list(tiny_run(out, 2, "pictures" if number == 0 else "fewer", run="refused").start())
        except DataError as error:
            found["refused"] = str(error)
        torch.save(found, out / f"{number}.pt")
        print("ready", flush=True)
        try:
            while True:
                parallel.greatest(0)
        except ProcessLost as error:
            print(f"in a step: {error}", file=sys.stderr, flush=True)
            threading.Event().wait()  # what this rank does now has no end, so the thread that watches must end it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def start_ranks(out):
    """Start this file in two processes, as torchrun does."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    return [
        subprocess.Popen(
            [sys.executable, __file__, str(out)],
            env={**os.environ, **meeting, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    place = tmp_path_factory.mktemp("ranks")
    for name, number in (("pictures", 4), ("fewer", 3)):
        for domain in ("trainA", "trainB"):
            for index in range(number):
                images.write_pixels(Noise(0)[index], place / name / domain / f"{index}.png")
    return place


@pytest.fixture(scope="module")
def ranks(out):
    """What each of two ranks found; then what became of the first when the second was killed: exit code and words."""
    both = start_ranks(out)
    try:
        alone = {case: trained(case, out / f"{case} alone") for case in CASES}  # meanwhile
        if [process.stdout.readline() for process in both] != ["ready\n"] * 2:
            raise AssertionError("\n".join(process.communicate()[1] for process in both))
        both[1].kill()
        said = both[0].communicate()[1]
    finally:
        for process in both:
            process.kill()
            process.communicate()
    return alone, [torch.load(out / f"{rank}.pt", weights_only=True) for rank in range(2)], (both[0].returncode, said)


@pytest.mark.parametrize("case", CASES)
def test_two_ranks_train_as_one_with_twice_the_batch(ranks, case):
    alone, found, _ = ranks
    moved = 0.0
    for group, expected in alone[case].items():
        assert found[0][case][group].keys() == expected.keys()
        assert len(expected) > 20
        for name, value in expected.items():
            one, other = (rank[case][group][name] for rank in found)
            assert torch.equal(one, other), name
            exact = 1e-6 if "acc_" in name else 1e-8  # shares are counted in fp32
            torch.testing.assert_close(one, value, rtol=1e-12, atol=exact)
            moved = max(moved, float(value.abs().max()))
    assert moved > 0.1  # there was something to compare


def test_the_mean_over_ranks_has_the_gradient_of_the_whole_batch_also_twice(ranks):
    """A rank's gradient is for its own loss; for the mean of both losses it is a half, and in a square an eighth."""
    for order, factor in enumerate((2, 8)):
        whole = gradients(range(4))[order]
        torch.testing.assert_close(torch.cat([rank["gradients"][order] for rank in ranks[1]]), factor * whole)


def test_terms_of_gans_from_noise_are_those_of_the_whole_batch(ranks):
    term, gradient, deviation = of_noise(range(8))
    found = [rank["of noise"] for rank in ranks[1]]
    for one in found:
        torch.testing.assert_close(one[0], term, rtol=1e-12, atol=0)
    torch.testing.assert_close(torch.cat([one[1] for one in found]), 2 * gradient, rtol=1e-12, atol=1e-15)  # as above
    torch.testing.assert_close(torch.cat([one[2] for one in found]), deviation, rtol=1e-12, atol=0)


def test_ranks_know_whether_they_are_alike(ranks):
    assert [rank["alike"] for rank in ranks[1]] == [[True, False, False]] * 2


def test_each_rank_has_its_part_of_what_one_process_would_draw(ranks):
    both = [torch.cat(parts) for parts in zip(*(rank["drawn"] for rank in ranks[1]), strict=True)]
    assert all(torch.equal(found, expected) for found, expected in zip(both, drawn(torch.arange(4)), strict=True))
    assert sorted(both[0].tolist()) == [0, 1, 2, 3]
    assert [tuple(found.shape) for found in both[1:]] == [(4, 2, 1), (4, 3)]
    assert all(found.dtype == torch.float32 for found in both[1:])


def test_draws_are_as_wide_as_the_pictures_and_never_halves():
    x = torch.zeros(2, 3)
    widths = {torch.float16: torch.float32, torch.float32: torch.float32, torch.float64: torch.float64}
    for given, expected in widths.items():
        assert parallel.rand_for(x.to(given), 1).dtype == parallel.randn_for(x.to(given), 1).dtype == expected


@pytest.mark.fault("R-46")
def test_ranks_that_see_different_pictures_do_not_begin(ranks, out):
    """They would not make the same steps, and wait for each other."""
    for rank, pictures in zip(ranks[1], ([4, 4], [3, 3]), strict=True):
        assert f"see different pictures or checkpoints: this one, {pictures} pictures" in rank["refused"]
    assert not list((out / "refused").iterdir())


@pytest.mark.fault("R-22", "R-46")
def test_a_loss_that_is_not_finite_on_one_rank_is_skipped_on_both(ranks):
    assert [rank["skipped"] for rank in ranks[1]] == [(1, [])] * 2


def test_the_largest_batch_is_the_smallest_of_what_the_ranks_find(ranks):
    """Rank 0 could take two pictures, the half of an epoch of four."""
    assert [rank["largest"] for rank in ranks[1]] == [[2, 2]] * 2  # one picture for each


@pytest.mark.fault("R-10")
def test_a_signal_to_one_rank_stops_both_after_the_same_step(ranks, out):
    """Torchrun passes SIGTERM on to every rank, but they need not be in the same step when it comes."""
    (first, by_first), (second, by_second) = (rank["run"] for rank in ranks[1])
    assert by_first == by_second == signal.SIGTERM
    word = json.loads((out / "run" / "preempted.json").read_text(encoding="utf-8"))
    assert word == {"signal": "SIGTERM", "exit_code": 143, "step": 3, "steps": 6}  # torchrun itself ends with 1
    assert first == second
    assert first[-1][0] == 3


def test_only_rank_0_writes(ranks, out):
    for case in CASES:
        assert (out / f"{case} 0").is_dir()
        assert not (out / f"{case} 1").exists()
    assert [line["step"] for line in read_log(out / "run" / "log.jsonl")] == [1, 2, 3]


@pytest.mark.parametrize(("ranks_now", "batch", "sentence"), [
    (1, 3, "training.batch was 4, now 3"),
    (3, 2, "has a batch of 4 pictures, which 3 processes cannot share equally"),
    (3, 1, "training.batch was 4, now 3"),
])  # fmt: skip
def test_a_run_keeps_the_batch_of_all_ranks_it_began_with(ranks, out, monkeypatch, ranks_now, batch, sentence):
    monkeypatch.setattr(importlib.import_module("translate.runs.prepare"), "world", lambda: ranks_now)
    with pytest.raises(SettingsError, match=sentence):
        tiny_run(out, batch)


@pytest.mark.parametrize("batch", [2, 4])  # the command of the two ranks, and what it would have been for one
def test_a_run_of_two_ranks_is_continued_by_one(ranks, out, tmp_path, batch):
    for name in ("pictures", "run"):
        shutil.copytree(out / name, tmp_path / name)
    origin = json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8"))
    assert (origin["training"]["batch"], origin["ranks"]) == (4, 2)
    run = tiny_run(tmp_path, batch)
    assert run.recipe.training.batch == 4
    assert [report.step for report in run.start() if report.losses] == [4, 5, 6]
    assert run.finished
    assert not (tmp_path / "run" / "preempted.json").exists()
    assert json.loads((tmp_path / "run" / "settings.json").read_text(encoding="utf-8")) == origin


@pytest.mark.fault("R-47")
def test_a_killed_rank_ends_the_other_with_a_sentence_in_a_step_and_elsewhere(ranks):
    code, said = ranks[2]
    assert code == ProcessLost.exit_code
    assert "in a step: Another process of this run has ended or does not answer" in said
    assert "Error: Another process of this run has ended" in said


def test_a_process_that_trains_alone_is_given_back_what_it_gives(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")  # as torchrun says with one process
    x = torch.rand(3, 2, requires_grad=True)
    with parallel.joined():
        assert (parallel.rank(), parallel.world(), parallel.count(x)) == (0, 1, 3)
        assert parallel.mean(x) is x
        assert parallel.gather(x) is x
        assert parallel.mean_detached([x])[0] is x
        assert torch.equal(parallel.local_part(x), x)
        assert parallel.greatest(-3) == -3
        assert parallel.same_on_all_ranks(1, 2)
        assert parallel.neighbours() == 1


def test_torchrun_says_how_many_ranks_share_a_machine(monkeypatch):
    monkeypatch.setattr(parallel, "world", lambda: 8)
    assert parallel.neighbours() == 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert parallel.neighbours() == 4


if __name__ == "__main__":
    as_a_rank(Path(sys.argv[1]))
