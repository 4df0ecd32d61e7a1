"""Scores of a translator on a drawn dataset, whose right answer is known."""

from translate.toys.score_faces import judge_faces, judge_hair
from translate.toys.score_horses import judge_horses
from translate.toys.score_monets import judge_monets
from translate.toys.score_shoes import judge_shoes
from translate.toys.score_turntable import judge_turntable
from translate.toys.unseen import Judge, Translate

COUNT = 200  # unseen pictures

JUDGES: dict[str, Judge] = {
    "toy-horse2zebra": judge_horses,
    "toy-monet2photo": judge_monets,
    "toy-faces": judge_faces,
    "toy-faces-hair": judge_hair,
    "toy-edges2shoes": judge_shoes,
    "toy-turntable": judge_turntable,
}


def drawn_scores(dataset: str, translate: Translate, size: int, count: int = COUNT) -> dict[str, float]:
    """Translate `count` unseen drawn pictures and score the results by rule.

    Args:
        dataset: the name of a drawn dataset.
        translate: turns pictures (S, S, 3) uint8 into pictures of a domain.
        size: of the pictures, in pixels.
        count: of the pictures.

    Returns:
        what the dataset's judge says. Nothing for a dataset that is not drawn.
    """
    return JUDGES[dataset](translate, size, count) if dataset in JUDGES else {}
