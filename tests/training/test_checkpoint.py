import errno
import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch

from translate.errors import Diverged, OutputError, WeightsError
from translate.training.checkpoint import FORMAT, Checkpoint, Checkpoints

FILES = ["weights.safetensors", "average.safetensors", "state.pt", "manifest.json"]
SETTINGS = {"training": {"steps": 9}, "method": {"name": "cyclegan"}}


def checkpoint(step):
    weights = {"G.weight": torch.full((2, 3, 4, 4), float(step)), "pool.count": torch.tensor(step)}
    weights["G.weight"] = weights["G.weight"].to(memory_format=torch.channels_last)
    average = {"0.weight": torch.randn(2, generator=torch.Generator().manual_seed(step))}
    state = {"optimisers": {"G": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]}}}
    return Checkpoint(step, weights, average, {**state, "skipped": torch.tensor(step), "sums": {}})


def steps(checkpoints):
    return [int(place.name) for place in checkpoints.places()]


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "run" / "checkpoints", SETTINGS, keep=3)


def test_what_is_saved_is_what_is_read(checkpoints):
    saved = checkpoint(7)
    assert checkpoints.save(saved) == checkpoints.folder / "00000007"
    read, damaged = checkpoints.newest()
    assert (read.step, damaged) == (7, [])
    for name in ("weights", "average"):
        before, after = getattr(saved, name), getattr(read, name)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)
    assert read.state["optimisers"]["G"]["param_groups"] == [{"lr": 0.1}]
    assert int(read.state["skipped"]) == 7


@pytest.mark.fault("I-22")
def test_what_another_device_saved_is_read_on_the_cpu(checkpoints, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(torch.serialization, "location_tag", lambda storage: "cuda:99")
        place = checkpoints.save(checkpoint(7))
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(place / "state.pt", weights_only=True)
    read, damaged = checkpoints.newest()
    assert (read.state["skipped"].device.type, int(read.state["skipped"]), damaged) == ("cpu", 7, [])


def test_a_manifest_names_step_settings_and_the_other_files(checkpoints):
    place = checkpoints.save(checkpoint(7))
    assert sorted(path.name for path in place.iterdir()) == sorted(FILES)
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["format"], manifest["step"], manifest["settings"]) == (FORMAT, 7, SETTINGS)
    assert sorted(manifest["files"]) == sorted(FILES[:3])
    for name, facts in manifest["files"].items():
        assert facts["bytes"] == (place / name).stat().st_size
        assert re.fullmatch("[0-9a-f]{64}", facts["sha256"])


def test_before_the_first_checkpoint_there_is_none(checkpoints):
    assert checkpoints.newest() == (None, [])
    checkpoints.folder.mkdir(parents=True)
    assert checkpoints.newest() == (None, [])


@pytest.mark.parametrize(("keep", "kept"), [(1, [40]), (2, [30, 40]), (9, [10, 20, 30, 40])])
def test_the_newest_are_kept(tmp_path, keep, kept):
    checkpoints = Checkpoints(tmp_path, SETTINGS, keep)
    for step in (10, 20, 30, 40):
        checkpoints.save(checkpoint(step))
    assert steps(checkpoints) == kept
    assert checkpoints.newest()[0].step == 40


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def flip_the_step(path):
    """The one bit that would silently continue from another step."""
    path.write_text(path.read_text(encoding="utf-8").replace('"step": 20', '"step": 21'), encoding="utf-8")


def flip_a_hash(path):
    path.write_text(path.read_text(encoding="utf-8").replace('"sha256": "', '"sha256": "0'), encoding="utf-8")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def keep_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def keep_a_tenth(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 10])


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


def nonsense(path):
    path.write_text("[1, 2]", encoding="utf-8")


DAMAGES = [(damage, file) for damage in (truncate, keep_half, keep_a_tenth, empty, remove, nonsense) for file in FILES]
DAMAGES += [(flip, file) for file in FILES[:3]]
DAMAGES += [(flip_the_step, "manifest.json"), (flip_a_hash, "manifest.json")]


@pytest.mark.parametrize(("damage", "file"), DAMAGES)
@pytest.mark.fault("R-16", "R-17")
def test_a_damaged_checkpoint_is_passed_over_with_a_sentence(checkpoints, damage, file):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    newest = checkpoints.folder / "00000020"
    damage(newest / file)
    read, damaged = checkpoints.newest()
    assert read.step == 10
    assert len(damaged) == 1
    assert damaged[0].startswith(f"The checkpoint {newest} is damaged: ")


@pytest.mark.fault("R-16")
def test_several_damaged_checkpoints_are_passed_over(checkpoints):
    for step in (10, 20, 30):
        checkpoints.save(checkpoint(step))
    for step, file in ((20, "state.pt"), (30, "weights.safetensors")):
        flip(checkpoints.folder / f"{step:08d}" / file)
    read, damaged = checkpoints.newest()
    assert read.step == 10
    assert ["00000030" in damaged[0], "00000020" in damaged[1]] == [True, True]


@pytest.mark.fault("R-16")
def test_a_run_without_a_whole_checkpoint_is_refused_and_left_alone(checkpoints):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    flip(checkpoints.folder / "00000010" / "state.pt")
    remove(checkpoints.folder / "00000020" / "manifest.json")
    with pytest.raises(WeightsError) as caught:
        checkpoints.newest()
    assert caught.value.exit_code == 5
    assert str(caught.value).startswith(f"No checkpoint in {checkpoints.folder} is whole. The checkpoint ")
    assert str(caught.value).endswith("Start again with another --out.")
    assert steps(checkpoints) == [10, 20]


@pytest.mark.fault("R-18")
def test_a_checkpoint_of_a_newer_version_is_refused_and_not_passed_over(checkpoints):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    path = checkpoints.folder / "00000020" / "manifest.json"
    path.write_text(json.dumps({"format": FORMAT + 1, "else": "unknown"}), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"written by a newer version of translate\. Update translate") as caught:
        checkpoints.newest()
    assert caught.value.exit_code == 5


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_disk_in_torch(*_, **__):
    raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed: No space left on device")


def full_disk_in_safetensors(*_, **__):
    raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("module", "name", "failure"),
    [
        (torch, "save", full_disk),
        (torch, "save", full_disk_in_torch),
        (safetensors.torch, "save_file", full_disk_in_safetensors),
        (json, "dumps", full_disk),
    ],
)
@pytest.mark.fault("R-3")
def test_a_full_disk_leaves_the_newest_checkpoint_and_no_half_one(checkpoints, monkeypatch, module, name, failure):
    for step in (10, 20, 30):
        checkpoints.save(checkpoint(step))
    with monkeypatch.context() as broken:
        broken.setattr(module, name, failure)
        with pytest.raises(OutputError, match="The disk is full") as caught:
            checkpoints.save(checkpoint(40))
    assert caught.value.exit_code == 7
    assert str(caught.value).endswith("A checkpoint takes 0.0 MB.")
    assert [path.name for path in checkpoints.folder.iterdir()] == ["00000030"]
    assert checkpoints.newest()[0].step == 30


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits there")
@pytest.mark.fault("R-3")
def test_when_older_checkpoints_have_given_way_it_is_tried_again(checkpoints, monkeypatch):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    save, calls = torch.save, []

    def full_once(*arguments):
        calls.append(steps(checkpoints))
        full_disk() if len(calls) == 1 else save(*arguments)

    monkeypatch.setattr(torch, "save", full_once)
    checkpoints.save(checkpoint(30))
    assert calls == [[10, 20], [20]]
    assert steps(checkpoints) == [20, 30]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits there")
@pytest.mark.parametrize("large", ["weights", "average", "state"])
@pytest.mark.fault("R-3")
def test_a_disk_that_takes_no_more_bytes_is_understood_for_every_file(checkpoints, large):
    """Without mocks: the system refuses files of more than 64 KiB, as a full disk does."""
    import resource

    checkpoints.save(checkpoint(10))
    tree = {"weights": {}, "average": {}, "state": {}} | {large: {"x": torch.zeros(100_000)}}
    if large == "weights":
        tree[large]["x"] += 0.1  # else it is stored in fewer bytes
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    try:
        with pytest.raises(OutputError, match=r"The disk is full.*A checkpoint takes 0\.4 MB\.") as caught:
            checkpoints.save(Checkpoint(20, **tree))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 7
    assert [path.name for path in checkpoints.folder.iterdir()] == ["00000010"]


@pytest.mark.parametrize(("there", "free", "refused"), [(0, 19, True), (0, 20, False), (1, 10, False), (2, 9, True)])
@pytest.mark.fault("R-5")
def test_too_little_room_for_two_checkpoints_is_refused_with_the_estimate(
    checkpoints, monkeypatch, there, free, refused
):
    checkpoints.folder.parent.mkdir()
    for step in range(there):
        checkpoints.save(checkpoint(step))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 10**8))
    if not refused:
        return checkpoints.refuse_full_disk(10**9)
    with pytest.raises(OutputError) as caught:
        checkpoints.refuse_full_disk(10**9)
    assert caught.value.exit_code == 7
    assert str(caught.value) == (
        f"The disk of {checkpoints.folder.parent} has {free / 10:.2f} GB left; a checkpoint of this run takes 1.00 GB,"
        " and there must be room for two. Free some space or choose another --out."
    )
    return None


@pytest.mark.parametrize("part", ["weights", "average"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.fault("R-23")
def test_weights_that_are_not_finite_are_never_saved(checkpoints, part, value):
    checkpoints.save(checkpoint(10))
    broken = checkpoint(20)
    next(iter(getattr(broken, part).values())).select(0, 1).fill_(value)
    with pytest.raises(
        Diverged, match=r"After step 20 \S+ holds values that are not finite.*is kept in .*00000010\."
    ) as error:
        checkpoints.save(broken)
    assert error.value.exit_code == 1
    assert steps(checkpoints) == [10]


def test_what_bf16_holds_without_loss_takes_half_of_the_bytes_and_comes_back(checkpoints):
    made_in_bf16 = torch.rand(40, 1000, generator=torch.Generator().manual_seed(0)).bfloat16().float()
    special = torch.tensor([-0.0, 0.0, 2.0**-126, -1.0])
    place = checkpoints.save(Checkpoint(1, {"pool": made_in_bf16, "special": special, "w": special + 1e-7}, {}, {}))
    assert (place / "weights.safetensors").stat().st_size < 81_000
    weights = checkpoints.newest()[0].weights
    for name, before in (("pool", made_in_bf16), ("special", special), ("w", special + 1e-7)):
        assert weights[name].dtype == torch.float32
        assert torch.equal(weights[name].view(torch.int32), before.view(torch.int32)), name


GOLDEN = Path(__file__).parent / "format-1"


@pytest.mark.fault("R-18")
def test_checkpoints_of_every_format_so_far_are_read():
    """Written once by the first version that had the format; the folder of a new one comes beside it."""
    read, damaged = Checkpoints(GOLDEN, {}, keep=1).newest()
    assert (read.step, damaged) == (7, [])
    expected = checkpoint(7)
    assert read.weights.keys() == expected.weights.keys()
    assert all(torch.equal(read.weights[name], expected.weights[name]) for name in expected.weights)
    assert read.state["optimisers"]["G"]["param_groups"] == [{"lr": 0.1}]


def test_an_error_that_is_no_full_disk_stays_what_it_is(checkpoints, monkeypatch):
    monkeypatch.setattr(torch, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(checkpoint(10))
    assert list(checkpoints.folder.iterdir()) == []


@pytest.mark.fault("R-1")
def test_what_a_killed_writer_left_is_never_read_and_swept_by_the_next_save(checkpoints):
    checkpoints.save(checkpoint(10))
    leftover = checkpoints.folder / ".00000020.0123456789ab.partial"
    leftover.mkdir()
    (leftover / "weights.safetensors").write_bytes(b"half")
    assert checkpoints.newest()[0].step == 10
    checkpoints.save(checkpoint(20))
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["00000010", "00000020"]


def test_a_checkpoint_takes_the_place_of_a_damaged_one_of_the_same_step(checkpoints):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    remove(checkpoints.folder / "00000020" / "state.pt")
    assert checkpoints.newest()[0].step == 10
    checkpoints.save(checkpoint(20))
    read, damaged = checkpoints.newest()
    assert (read.step, damaged) == (20, [])


@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_later_checkpoint_never_counts_among_the_kept(tmp_path, keep):
    """After falling back from 30 to 10 the run saves 20, which must survive, and 30 is of no use any more."""
    for step in (10, 30):
        Checkpoints(tmp_path, SETTINGS, keep=2).save(checkpoint(step))
    flip(tmp_path / "00000030" / "state.pt")
    checkpoints = Checkpoints(tmp_path, SETTINGS, keep)
    assert checkpoints.newest()[0].step == 10
    checkpoints.save(checkpoint(20))
    assert steps(checkpoints) == [10, 20][-keep:]
    assert checkpoints.newest()[0].step == 20


def test_the_state_is_read_as_tensors_and_plain_values_only(checkpoints, monkeypatch):
    asked = []
    load = torch.load

    def spy(*arguments, **options):
        asked.append(options.get("weights_only"))
        return load(*arguments, **options)

    monkeypatch.setattr(torch, "load", spy)
    checkpoints.save(checkpoint(10))
    checkpoints.newest()
    assert asked == [True]
