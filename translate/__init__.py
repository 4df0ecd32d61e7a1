"""Learn a style from two folders of pictures that are not paired, then convert any folder of photos with it.

    import translate

    translate.train("toy-horse2zebra")                          # -> runs/toy-horse2zebra
    translator = translate.Translator.load("runs/toy-horse2zebra")
    zebra = translator(horse)                                   # (H, W, 3) uint8 in and out

Importing this package is cheap; torch is imported with the first of these names.
"""

from typing import TYPE_CHECKING, Any

from translate import errors

if TYPE_CHECKING:
    from translate.conversion.folders import FolderTranslator as Translator
    from translate.evaluation.evaluation import evaluate
    from translate.runs import train

__all__ = ["Translator", "errors", "evaluate", "train"]


def __getattr__(name: str) -> Any:
    if name == "Translator":
        from translate.conversion.folders import FolderTranslator

        return FolderTranslator
    if name == "train":
        from translate.runs import train

        return train
    if name == "evaluate":
        from translate.evaluation.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module 'translate' has no attribute {name!r}")
