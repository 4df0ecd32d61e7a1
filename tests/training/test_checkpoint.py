import errno
import json
import re

import pytest
import safetensors.torch
import torch

from translate.errors import OutputError, WeightsError
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


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


def nonsense(path):
    path.write_text("[1, 2]", encoding="utf-8")


DAMAGES = [(damage, file) for damage in (truncate, empty, remove, nonsense) for file in FILES]
DAMAGES += [(flip, file) for file in FILES[:3]]
DAMAGES += [(flip_the_step, "manifest.json"), (flip_a_hash, "manifest.json")]


@pytest.mark.parametrize(("damage", "file"), DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_sentence(checkpoints, damage, file):
    for step in (10, 20):
        checkpoints.save(checkpoint(step))
    newest = checkpoints.folder / "00000020"
    damage(newest / file)
    read, damaged = checkpoints.newest()
    assert read.step == 10
    assert len(damaged) == 1
    assert damaged[0].startswith(f"The checkpoint {newest} is damaged: ")


def test_several_damaged_checkpoints_are_passed_over(checkpoints):
    for step in (10, 20, 30):
        checkpoints.save(checkpoint(step))
    for step, file in ((20, "state.pt"), (30, "weights.safetensors")):
        flip(checkpoints.folder / f"{step:08d}" / file)
    read, damaged = checkpoints.newest()
    assert read.step == 10
    assert ["00000030" in damaged[0], "00000020" in damaged[1]] == [True, True]


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
def test_a_full_disk_leaves_older_checkpoints_and_no_half_one(checkpoints, monkeypatch, module, name, failure):
    for step in (10, 20, 30):
        checkpoints.save(checkpoint(step))
    with monkeypatch.context() as broken:
        broken.setattr(module, name, failure)
        with pytest.raises(OutputError, match="The disk is full") as caught:
            checkpoints.save(checkpoint(40))
    assert caught.value.exit_code == 7
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["00000010", "00000020", "00000030"]
    assert checkpoints.newest()[0].step == 30


def test_an_error_that_is_no_full_disk_stays_what_it_is(checkpoints, monkeypatch):
    monkeypatch.setattr(torch, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(checkpoint(10))
    assert list(checkpoints.folder.iterdir()) == []


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
