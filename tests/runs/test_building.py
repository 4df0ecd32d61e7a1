"""Pictures are read, and what is wrong with them is said."""

import shutil

import numpy as np
import pytest

from translate import images
from translate.errors import DataError
from translate.runs import prepare


@pytest.mark.fault("R-35")
def test_a_folder_of_photos_trains_without_scores_and_notes_small_and_broken_pictures(tmp_path, photos, small):
    here = shutil.copytree(photos, tmp_path / "photos")
    images.write_pixels(np.zeros((20, 50, 3), np.uint8), here / "trainB" / "small.png")
    for index in range(100):
        shutil.copy(here / "trainA" / "0.png", here / "trainA" / f"more-{index}.png")
    (here / "trainA" / "0.png").write_bytes(b"broken")
    run = prepare(here, out=tmp_path / "run", words=small, device="cpu")
    told = []
    for _ in run.start(lambda *words: told.append(words)):
        pass
    assert run.finished
    assert run.about().scores == {}
    assert told[0] == ("A", 1, 103)
    assert told[-1] == ("B", 4, 4)
    assert len(run.notes) == 2
    assert run.notes[0].startswith(f"1 pictures of A cannot be read, as {here / 'trainA' / '0.png'} cannot be decoded")
    assert (tmp_path / "run" / "unreadable.txt").read_text(encoding="utf-8").splitlines() == [
        run.notes[0].removeprefix("1 pictures of A cannot be read, as ").removesuffix(" All are in unreadable.txt.")
    ]
    assert run.notes[1] == "1 pictures of B are smaller than the crop and were enlarged."


@pytest.mark.fault("R-42")
def test_pictures_that_are_in_both_domains_are_counted(tmp_path, photos, small):
    here = shutil.copytree(photos, tmp_path / "photos")
    for index in (0, 2):
        shutil.copy(here / "trainA" / f"{index}.png", here / "trainB" / f"other-{index}.png")
    run = prepare(here, out=tmp_path / "run", words=small, device="cpu")
    next(run.start())
    assert run.notes == ["2 pictures are in A and in B, too; `translate data check` says which."]


@pytest.mark.fault("R-35")
def test_too_many_broken_pictures_are_refused_and_nothing_is_written(tmp_path, photos, small):
    here = shutil.copytree(photos, tmp_path / "photos")
    (here / "trainB" / "1.png").write_bytes(b"broken")
    run = prepare(here, out=tmp_path / "run", words=small, device="cpu")
    with pytest.raises(DataError, match="1 of 3 pictures of domain B cannot be read") as caught:
        list(run.start())
    assert caught.value.exit_code == 4
    assert not (tmp_path / "run").exists()
