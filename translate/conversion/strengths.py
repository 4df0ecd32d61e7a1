"""One sheet of pictures at several strengths, to choose from before a folder is converted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from translate import images
from translate.conversion.inputs import SHOWN
from translate.conversion.job import Job
from translate.conversion.masks import Masks, read_mask
from translate.errors import DataError, SettingsError
from translate.inference.translator import Translator
from translate.inference.treatment import Prepared
from translate.tensors import Pixels

MOST = 12  # pictures on a sheet
CELL = 360, 480  # pixels: height and width that a picture is made to fit


def read_strengths(words: str) -> list[float]:
    """Read "0.3,0.6,1". Raises `SettingsError` where these are no numbers from 0 to 1."""
    try:
        strengths = [float(word) for word in words.split(",")]
    except ValueError:
        strengths = [-1.0]
    if not all(0 <= strength <= 1 for strength in strengths):
        raise SettingsError(f"--strengths takes numbers from 0 to 1, such as 0.3,0.6,1; found {words!r}.")
    return strengths


def write_strength_sheet(job: Job, translator: Translator, strengths: Sequence[float]) -> Path:
    """Write a sheet into the file that the job names: a row for each picture, itself and its results side by side.

    Networks see each picture once. The job's results are not written.

    Raises:
        SettingsError: the job names no file for a sheet, or there are too many pictures, or several targets, or holes
            are to be filled, which knows no strength.
        DataError: as `Job.plan`, or an input is missing.
        ImageDecodeError: a picture or its mask cannot be read.
        OutputError: the sheet cannot be written.
    """
    out = job.out
    if out is None or out.suffix.lower() not in images.SUFFIXES or len(job.targets) > 1:
        raise SettingsError("--strengths writes one sheet, for one target: name a file for it, as in --out sheet.png.")
    if job.settings.treatment.fill:
        raise SettingsError("--strengths does not go with --fill, which takes all of the result, in holes alone.")
    plan = replace(job, out=out.parent / out.stem, overwrite=True).plan()
    if plan.missing:
        more = f" and {len(plan.missing) - SHOWN:,} more" if len(plan.missing) > SHOWN else ""
        raise DataError(f"There is nothing to read at {', '.join(plan.missing[:SHOWN])}{more}. Name what is there.")
    if len(plan.items) > MOST:
        raise SettingsError(f"A sheet holds {MOST} pictures at most; found {len(plan.items)}. Name fewer of them.")
    how, rows = job.settings, list[list[Pixels]]()
    treatment = how.treatment.of(translator.about)
    blendings = [replace(treatment.blending, strength=strength) for strength in strengths]
    treatments = [replace(treatment, blending=blending) for blending in blendings]
    masks = Masks(how.mask) if how.mask else None
    for item in plan.items:
        mask = None if masks is None else read_mask(masks.find(item), how.limits)
        picture = images.read(item.source, how.limits)
        opaque = replace(picture, rgb=images.visible(picture, treatment.background), alpha=None)
        (prepared,) = treatment.prepared([opaque], mask, translator.about.size)
        output = translator.tensor(prepared.small, item.target, treatment.passes)
        prepared = _reduced(prepared)
        results = [replace(prepared, treatment=one).finished(output).rgb for one in treatments]
        rows.append([_fitted(one) for one in (prepared.picture.rgb, *results)])
    captions = ["picture", *(f"strength {strength:g}" for strength in strengths)]
    images.write_pixels(images.sheet(rows, captions=captions), out)
    return out


def _reduced(prepared: Prepared) -> Prepared:
    """Make a picture no larger than a sheet can show, or a network has seen, so that no time goes into other pixels.

    Its mask has any size, see `mask_weights`.
    """
    height, width = prepared.picture.rgb.shape[:2]
    least = [2 * side for side in CELL], prepared.small.shape[2:]
    scale = max(max(rows / height, columns / width) for rows, columns in least)
    if scale >= 1:
        return prepared
    rgb = images.resize(prepared.picture.rgb, round(height * scale), round(width * scale))
    return replace(prepared, picture=replace(prepared.picture, rgb=rgb))


def _fitted(pixels: Pixels) -> Pixels:
    """Make a picture (H, W, 3) fit a cell, in its middle, on white; 16 bits become 8."""
    height, width = pixels.shape[:2]
    scale = min(CELL[0] / height, CELL[1] / width, 1.0)
    small = images.resize(pixels, max(round(height * scale), 1), max(round(width * scale), 1))
    small = small if small.dtype == np.uint8 else (small // 257).astype(np.uint8)
    cell = np.full((*CELL, 3), 255, np.uint8)
    top, left = (CELL[0] - small.shape[0]) // 2, (CELL[1] - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell
