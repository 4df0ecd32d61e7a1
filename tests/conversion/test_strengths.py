from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from translate import images
from translate.conversion.job import Job
from translate.conversion.settings import ConversionSettings
from translate.conversion.strengths import CELL, MOST, read_strengths, write_strength_sheet
from translate.devices import engine
from translate.errors import DataError, ImageDecodeError, SettingsError
from translate.inference.translator import Translator
from translate.inference.treatment import Prepared
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=0), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["a", "b"], target="b", size=32, steps=1, planned=1)


@pytest.fixture
def translator() -> Translator:
    torch.manual_seed(0)
    return Translator(TINY.build(["a", "b"], 32).eval(), ABOUT, engine("cpu", "fp32"))


def put(place: Path, count: int) -> Path:
    random = np.random.default_rng(0)
    for number in range(count):
        images.write_pixels(random.integers(0, 256, (40, 60, 3), np.uint8), place / f"{number}.png")
    return place


def test_a_row_is_the_picture_and_its_results(tmp_path: Path, translator: Translator) -> None:
    job = Job(ABOUT, (put(tmp_path / "in", 2),), tmp_path / "sheet.png")
    assert write_strength_sheet(job, translator, [0.0, 0.5, 1.0]) == tmp_path / "sheet.png"
    sheet = images.read(tmp_path / "sheet.png").rgb
    top = sheet.shape[0] - 2 * (CELL[0] + 2) + 2
    cells = [
        sheet[top + CELL[0] // 2 - 20 : top + CELL[0] // 2 + 20, left + CELL[1] // 2 - 30 : left + CELL[1] // 2 + 30]
        for left in (column * (CELL[1] + 2) for column in range(4))
    ]
    before = images.read(tmp_path / "in" / "0.png").rgb
    assert np.array_equal(cells[0], before)
    assert np.array_equal(cells[1], before)  # strength 0
    assert np.array_equal(cells[3], translator(before))
    assert not np.array_equal(cells[2], cells[3])
    assert [path.name for path in tmp_path.iterdir()].count("sheet") == 0  # no results beside it


@pytest.mark.parametrize("scale", [1, 20])  # 20: larger than what is shown of it, and smaller than its mask, too
def test_a_mask_says_where_results_are_taken(tmp_path: Path, translator: Translator, scale: int) -> None:
    picture = np.full((40 * scale, 60 * scale, 3), 200, np.uint8)
    images.write_pixels(picture, tmp_path / "in" / "a.png")
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[:, 30:] = 255
    images.write_pixels(mask, tmp_path / "masks" / "a.png")
    for place in (tmp_path / "masks", tmp_path / "masks" / "a.png"):
        job = Job(ABOUT, (tmp_path / "in",), tmp_path / "sheet.png", settings=ConversionSettings(mask=place))
        write_strength_sheet(job, translator, [1.0])
        sheet = images.read(tmp_path / "sheet.png").rgb
        top, left = sheet.shape[0] - CELL[0] // 2 - 10, CELL[1] + 2 + CELL[1] // 2
        assert (sheet[top : top + 20, left - 25 : left - 8] == 200).all()  # of the result, where the mask is black
        assert not (sheet[top : top + 20, left + 8 : left + 25] == 200).all()


@pytest.mark.fault("I-27")
def test_an_input_that_is_missing_or_has_no_mask_is_said_before_anything_is_written(
    tmp_path: Path, translator: Translator
) -> None:
    job = Job(ABOUT, (put(tmp_path / "in", 1), tmp_path / "gone"), tmp_path / "sheet.png")
    with pytest.raises(DataError, match=r"There is nothing to read at .*gone\. Name what is there"):
        write_strength_sheet(job, translator, [1.0])
    (tmp_path / "masks").mkdir()
    masked = replace(job, inputs=job.inputs[:1], settings=ConversionSettings(mask=tmp_path / "masks"))
    with pytest.raises(ImageDecodeError, match=r"0\.png has no mask"):
        write_strength_sheet(masked, translator, [1.0])
    filling = replace(job, settings=ConversionSettings(fill=True))
    with pytest.raises(SettingsError, match="--strengths does not go with --fill"):
        write_strength_sheet(filling, translator, [1.0])
    assert not (tmp_path / "sheet.png").exists()


def test_a_large_picture_is_finished_no_larger_than_it_is_shown(
    tmp_path: Path, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write_pixels(np.full((1800, 2400, 3), 90, np.uint8), tmp_path / "large.png")
    finished, sizes = Prepared.finished, []

    def watched(self: Prepared, output: torch.Tensor) -> images.Picture:
        sizes.append(self.picture.rgb.shape)
        return finished(self, output)

    monkeypatch.setattr(Prepared, "finished", watched)
    write_strength_sheet(Job(ABOUT, (tmp_path / "large.png",), tmp_path / "sheet.png"), translator, [0.5, 1.0])
    assert sizes == [(720, 960, 3)] * 2


@pytest.mark.parametrize(("out", "to"), [("folder", None), ("sheet.png", "all")])
def test_a_sheet_is_one_file_for_one_target(tmp_path: Path, translator: Translator, out: str, to: str | None) -> None:
    job = Job(ABOUT, (put(tmp_path / "in", 1),), tmp_path / out, to)
    with pytest.raises(SettingsError, match="writes one sheet, for one target: name a file"):
        write_strength_sheet(job, translator, [1.0])


def test_a_sheet_holds_few_pictures(tmp_path: Path, translator: Translator) -> None:
    job = Job(ABOUT, (put(tmp_path / "in", MOST + 1),), tmp_path / "sheet.png")
    with pytest.raises(SettingsError, match=f"holds {MOST} pictures at most; found {MOST + 1}"):
        write_strength_sheet(job, translator, [1.0])


def test_strengths_are_numbers_from_0_to_1() -> None:
    assert read_strengths("0.3,0.6, 1") == [0.3, 0.6, 1.0]
    for words in ("", "0.3;0.6", "2", "-1", "nan"):
        with pytest.raises(SettingsError, match=r"takes numbers from 0 to 1, such as 0\.3,0\.6,1; found"):
            read_strengths(words)
