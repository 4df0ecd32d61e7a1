"""Every method trains from folders of pictures, shows what it does, continues exactly, and is applied."""

import itertools
import json
import signal
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray

from translate import Translator, images
from translate.data.folders import held_out
from translate.data.made import square
from translate.errors import Diverged
from translate.inference.sampler import Sampler, noise
from translate.methods import base
from translate.report.samples import drawn_grid
from translate.runs import Run, prepare
from translate.targets import OneWay
from translate.training.record import read_log

STEPS = 7
CRITICS = (  # one on frozen features, one on pixels
    "{kind = 'several', critics = [{critic = {kind = 'projected', width = 4}},"
    " {critic = {width = 2, layers = 1, spectral_norm = true}, weight = 0.5, objective = 'lsgan'}]}"
)
LABEL_CRITICS = (  # the first also reads labels
    "{kind = 'several', critics = [{critic = {kind = 'projected', width = 4}},"
    " {critic = {width = 2, layers = 1, norm = 'batch'}, weight = 0.5, objective = 'lsgan'}]}"
)
TINY: dict[str, tuple[list[str], int, list[str]]] = {  # domains, size in pixels, settings
    "acgan": (
        ["a", "b", "c"], 32,
        ["latent=5", "grey=true", "generator.width=2", "discriminator.width=2", "lambda_fm=0.1", "init_gain=0.5"],
    ),
    "acgan with few labels": (
        ["a", "b", "c"], 32,
        ["latent=5", "generator={kind = 'mlp', widths = [4]}", "discriminator={kind = 'mlp', widths = [4], pieces = 2}",
         "head='joint'", "smooth=0.1", "data.labels_each=2"],
    ),
    "cut": (
        ["a", "b"], 32,
        ["generator={width = 2, blocks = 1}", f"discriminator={CRITICS}", "taps=['pixels', 'down1', 'block1']",
         "patches=16", "features=8", "flip=true", "lambda_idt=1", "idt_until=0.5", "init_gain=0.5"],
    ),
    "cyclegan": (["a", "b"], 32, ["generator={width = 2, blocks = 1}", "discriminator={width = 2, layers = 1}"]),
    "dcgan": (
        ["a"], 32,
        ["latent=5", "generator.width=2", "discriminator={width = 2, minibatch = 2, dropout = 0.2}", "smooth=0.1",
         "lambda_fm=1", "lambda_ha=0.01", "n_critic=2", "init_gain=0.5"],
    ),
    "discogan": (["a", "b"], 64, ["generator.width=2", "discriminator.width=2", "init_gain=0.5"]),
    "ebgan": (["a"], 32, ["latent=5", "generator.width=2", "discriminator={width = 2, code = 3}"]),
    "ebgan with an equilibrium": (
        ["a"], 32,
        ["latent=5", "generator={kind = 'dcgan', width = 2}", "discriminator={width = 2, code = 3}",
         "balance='equilibrium'"],
    ),
    "pix2pix": (
        ["a", "b"], 64, ["generator={width = 2, depth = 6}", "discriminator={width = 2, layers = 1}", "init_gain=0.5"],
    ),
    "pix2pix with an srresnet": (
        ["a", "b"], 32,
        ["generator={kind = 'srresnet', width = 2, blocks = 1}", "discriminator={width = 2, layers = 1}", "scale=2",
         "objective='lsgan'", "lambda_l2=1"],
    ),
    "progan": (["a"], 32, ["latent=5", "generator={base = 16, most = 3}", "discriminator={base = 16, most = 3}"]),
    "stargan": (["a", "b", "c"], 32, ["generator={width = 2, blocks = 1}", "discriminator={width = 2, layers = 4}"]),
    "stargan with critics": (
        ["a", "b", "c"], 32, ["generator={width = 2, blocks = 1}", f"discriminator={LABEL_CRITICS}", "g_every=2"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=TINY)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def main(method: str) -> None:
    """Leave variants of a method out: what is asked of the loop is the same for them."""
    if " " in method:
        pytest.skip("a variant of a method")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of twelve pictures in all, or in each of two, 70 pixels wide, for training, and of two for looking at."""
    place = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for count, each in ((1, 12), (2, 12), (3, 4)):
        for domain in "abc"[:count]:
            for split, number in (("train", each), ("test", 2)):
                for index in range(number):
                    noise = random.integers(0, 256, (66, 70, 3), np.uint8)
                    images.write_pixels(noise, place / str(count) / split / domain / f"{index}.png")
    return place


def made(method: str, folder: Path, out: Path, workers: int = 0, **options: Any) -> Run:
    domains, size, words = TINY[method]
    words = [word if word.startswith("data.") else f"method.{word}" for word in words]
    words += ["method.diffaugment=colour,translation,cutout"]
    words += [
        f"training.{every}" for every in ("log_every=1", "sample_every=3", "checkpoint_every=2", "milestone_every=2")
    ]
    return prepare(
        folder / str(len(domains)), method=method.split()[0], out=out, size=size, batch=4, steps=STEPS, words=words,
        precision="fp32", device="cpu", workers=workers, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def straight(method: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run, without a stop."""
    run = made(method, folder, tmp_path_factory.mktemp("straight") / "run")
    for _ in run.start():
        pass
    return run


def columns(grid: NDArray[np.uint8], count: int, side: int) -> list[list[NDArray[np.uint8]]]:
    """Cut a sample grid into the pictures of each column, at their own size."""
    cell = (grid.shape[1] + 2) // count  # two pixels lie between the cells
    top = grid.shape[0] - 2 * cell + 2  # two rows; captions above
    scale = (cell - 2) // side
    found = []
    for column in range(count):
        left = column * cell
        cells = [grid[top + row * cell :, left:][: scale * side : scale, : scale * side : scale] for row in (0, 1)]
        found.append(cells)
    return found


def test_every_method_is_tested() -> None:
    assert {name.split()[0] for name in TINY} == set(base.available())


def test_the_run_is_whole_and_every_term_is_logged(straight: Run) -> None:
    assert straight.finished
    log = read_log(straight.out / "log.jsonl")
    assert [line["step"] for line in log] == list(range(1, STEPS + 1))
    assert all(np.isfinite(list(line["losses"].values())).all() and line["losses"] for line in log)
    terms = {name for line in log for name in line["losses"]}
    shares = {name for name in terms if name.startswith("acc_")}
    assert all(0 <= line["losses"].get(name, 0) <= 1 for line in log for name in shares)
    assert (straight.out / "losses.svg").read_text(encoding="utf-8").count("<polyline") == len(terms - shares)
    page = (straight.out / "report.html").read_text(encoding="utf-8")
    assert all(f">{name}</text>" in page for name in terms)
    assert len(shares) in (2, 4)


def test_everybody_moved(straight: Run) -> None:
    weights = safetensors.torch.load_file(straight.out / "checkpoints" / f"{STEPS:08d}" / "weights.safetensors")
    torch.manual_seed(straight.recipe.training.seed)
    start = straight.recipe.method.build(straight.dataset.domains, straight.recipe.data.size)
    for name, parameter in start.named_parameters():
        change = float((weights[name] - parameter.detach()).abs().max())
        if not parameter.requires_grad:
            assert change == 0, name
        elif parameter.dim() > 1:  # a bias in front of a normalisation may rest
            assert 0 < change < 0.01, name  # a few steps of Adam away from where it started


def test_sample_grids_show_every_direction_and_the_last_one_is_what_the_export_does(straight: Run) -> None:
    grids = [images.read(path).rgb for path in sorted((straight.out / "samples").glob("*.png"))]
    domains, side = straight.dataset.domains, straight.recipe.data.size
    assert len(grids) == 4  # 0, 3, 6, 7
    assert not np.array_equal(grids[0], grids[-1])
    if straight.recipe.method.draws:
        assert np.array_equal(grids[-1], drawn(Sampler.load(straight.out, device="cpu", precision="fp32")))
        return
    translator = Translator.load(straight.out, device="cpu", precision="fp32")
    targets = translator.method.targets
    pairs = [(source, target) for source in domains for target in targets.ways(source)]
    assert len(pairs) == (1 if isinstance(targets, OneWay) else {2: 2, 3: 6}[len(domains)])
    shown = {name: [square(picture, side) for picture in held_out(straight.dataset, name, 4)] for name in domains}
    expected = []
    for source, target in pairs:
        translated, back = translator.batch(shown[source], target), targets.back(source, target)
        truth = [shown[target]] if straight.dataset.paired else []
        expected += [shown[source], translated, *truth, *([translator.batch(translated, back)] if back else [])]
    for found, pictures in zip(columns(grids[-1], len(expected), side), expected, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(found, pictures, strict=True))


def drawn(sampler: Sampler) -> NDArray[np.uint8]:
    """What a model draws of the noise of seed 0: 4 x 4 pictures, or its labels side by side in four rows."""
    labels = sampler.about.domains if sampler.about.labelled else []
    pictures = list(sampler(16))
    if labels:
        z = noise(0, range(4), sampler.method.latent)
        rows = [sampler.of_noise(row.repeat(len(labels), 1), range(len(labels))) for row in z]
        pictures = [picture for row in rows for picture in row]
    return drawn_grid(pictures, len(labels) or 4)


def test_its_layers_do_what_it_does_as_a_whole_and_in_strips(method: str, straight: Run) -> None:
    if straight.recipe.method.draws:
        return
    translator = Translator.load(straight.out, device="cpu", precision="fp32", memory=1)
    x = torch.rand(1, 3, 128, 64).mul(2).sub(1)
    for target in translator.method.targets.shown():
        whole = translator.method.translate(x, target)
        layers = translator.method.layers(lambda: x, target)
        if layers is None:  # a U-Net
            assert method == "pix2pix"
            continue
        torch.testing.assert_close(reduce(lambda y, layer: layer(y), layers, x), whole)
        torch.testing.assert_close(translator.tensor(x, target), whole, rtol=0, atol=1e-4)


def test_the_export_translates_to_every_target_or_draws(straight: Run) -> None:
    if straight.recipe.method.draws:
        sampler = Sampler.load(straight.out, device="cpu")
        assert sampler.about.method == json.loads(straight.recipe.method.for_run(STEPS).to_json())
        pictures = list(sampler(20))
        assert len({picture.tobytes() for picture in pictures}) == 20
        assert [picture.tobytes() for picture in sampler(3)] == [picture.tobytes() for picture in pictures[:3]]
        return
    translator = Translator.load(straight.out, device="cpu")
    assert translator.about.domains == list(straight.dataset.domains)
    filled_in = straight.recipe.method.for_run(STEPS)  # with what depends on the length of the run
    assert translator.about.method == json.loads(filled_in.to_json())
    picture = np.random.default_rng(1).integers(0, 256, (37, 90, 3), np.uint8)
    results = [translator(picture, to=target) for target in translator.method.targets.shown()]
    assert all(result.shape == picture.shape for result in results)
    assert all(not np.array_equal(one, other) for one, other in itertools.pairwise(results))


STOPS = (  # after a step; an epoch has three: a signal, and how many threads prepare batches before it
    (1, signal.SIGINT, 0),  # the first of all
    (2, signal.SIGTERM, 3),
    (3, signal.SIGUSR1, 3),  # the last of an epoch
    (4, signal.SIGINT, 1),  # the first of one
)


@pytest.mark.fault("R-12", "R-13", "R-45")
def test_a_run_that_is_stopped_again_and_again_comes_to_the_same_result_to_the_bit(
    method: str, folder: Path, straight: Run, tmp_path: Path
) -> None:
    for after, number, workers in STOPS:
        run = made(method, folder, tmp_path / "run", workers)
        stopped = False
        for report in run.start():
            if report.step == after and not stopped:
                signal.raise_signal(number)
                stopped = True
        assert (run.step, run.interrupted) == (after, number)
    last = made(method, folder, tmp_path / "run")
    assert [report.step for report in last.start()][-1] == STEPS
    assert files(straight) == files(last)
    assert state(straight) == state(last)
    assert log(straight) == log(last)


@pytest.mark.usefixtures("main")
def test_a_run_that_begins_from_another_shows_first_what_that_one_showed_last(
    method: str, folder: Path, straight: Run, tmp_path: Path
) -> None:
    run = made(method, folder, tmp_path / "run", begin_from=straight.out, seed=1)
    reports = run.start()
    next(reports)  # before the first step
    signal.raise_signal(signal.SIGINT)
    list(reports)
    grids = sorted((straight.out / "samples").glob("*.png"))
    begun = images.read(run.out / "samples" / "00000000.png").rgb
    assert np.array_equal(begun, images.read(grids[-1]).rgb)


@pytest.mark.usefixtures("main")
def test_a_batch_in_parts_moves_everybody_once_a_step(method: str, folder: Path, straight: Run, tmp_path: Path) -> None:
    run = made(method, folder, tmp_path / "run", accumulate=2)
    assert [report.step for report in run.start()][-1] == STEPS
    found, whole = state(run), state(straight)
    counts = {name: value for name, value in found.items() if name.endswith(".step")}
    assert counts == {name: whole[name] for name in counts}
    assert counts
    assert found[".skipped"] == whole[".skipped"] == (torch.int64, 0)
    assert all(np.isfinite(list(line["losses"].values())).all() for line in log(run))


@pytest.mark.usefixtures("main")
@pytest.mark.fault("R-22")
def test_losses_that_are_not_finite_stop_the_run_at_the_third_step_and_the_log_holds_none(
    method: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(method, folder, tmp_path / "run")
    kind = type(run.recipe.method.build(run.dataset.domains, run.recipe.data.size))
    plain = kind.step

    def poisoned(self: Any, batch: Any, update: Any, n: int) -> Any:
        factor = float("nan") if n >= 3 else 1.0  # of whoever is called first

        def first(**losses: torch.Tensor) -> None:
            nonlocal factor
            shared = {id(loss): factor * loss for loss in losses.values()}  # by players
            update(**{name: shared[id(loss)] for name, loss in losses.items()})
            factor = 1.0

        return plain(self, batch, first, n)

    monkeypatch.setattr(kind, "step", poisoned)
    with pytest.raises(Diverged, match="not finite in 3 steps in a row, up to step 6"):
        list(run.start())
    kept = sorted(place.name for place in (run.out / "checkpoints").iterdir())
    assert kept[-1] == f"{2:08d}"  # of step 4 none was made
    assert [line["step"] for line in log(run)] == [1, 2, 3]
    assert all(np.isfinite(list(line["losses"].values())).all() for line in log(run))


def files(run: Run) -> dict[str, bytes]:
    """What a run leaves: settings, weights, pools, average, sample grids, milestones, export."""
    left = [path for path in run.out.rglob("*") if path.is_file()]
    last = [path for path in left if "checkpoints" not in path.parts or path.parent.name == f"{STEPS:08d}"]
    kept = [path for path in last if path.name not in ("log.jsonl", "state.pt", "manifest.json", "report.html")]
    return {path.relative_to(run.out).as_posix(): path.read_bytes() for path in kept}


def state(run: Run) -> dict[str, Any]:
    """Optimisers and counters in the last checkpoint, flat. Its file may have the same in another order."""
    flat: dict[str, Any] = {}

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict | list):
            for key, below in value.items() if isinstance(value, dict) else enumerate(value):
                walk(f"{name}.{key}", below)
        else:
            flat[name] = (value.dtype, value.tolist()) if isinstance(value, torch.Tensor) else value

    walk("", torch.load(run.out / "checkpoints" / f"{STEPS:08d}" / "state.pt", weights_only=True))
    return flat


def log(run: Run) -> list[dict[str, Any]]:
    """The log without what the clock says."""
    clocked = ("elapsed_s", "seconds_per_step")
    return [{key: line[key] for key in line if key not in clocked} for line in read_log(run.out / "log.jsonl")]
