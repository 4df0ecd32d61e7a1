"""The models that the page offers: each with its picture, its words, and what can be asked of it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from translate import cards
from translate.errors import SettingsError, TranslateError
from translate.inference.translator import Translator
from translate.models.about import About
from translate.models.exports import about_translator
from translate.run_folder import EXPORT, RunFolder
from translate.settings import nearest
from translate.targets import Attributes

LOADED = 3  # models, at most, that stay in memory


@dataclass(frozen=True)
class Choice:
    """A model that can be chosen.

    Attributes:
        word: as the command line calls it.
        title: what it does, in words.
        picture: a file that shows what it does; None: there is none.
        about: what it says of itself.
        remark: what it is known to do wrong.
    """

    word: str
    title: str
    picture: Path | None
    about: About
    remark: str = ""

    @property
    def name(self) -> str:
        """A short name."""
        return Path(self.word).name.removesuffix(".safetensors") if "/" in self.word else self.word

    @property
    def targets(self) -> list[str]:
        """What can be chosen among; empty where there is no choice, or attributes to be named."""
        targets = self.about.targets
        return [] if isinstance(targets, Attributes) or len(targets.all()) < 2 else targets.all()

    @property
    def takes_attributes(self) -> bool:
        """Whether it is told changes of attributes."""
        return isinstance(self.about.targets, Attributes)


class Models:
    """The models of a page.

    Args:
        words: what the user calls them; without any, all that are here.
        load: loads a model by its word.

    Raises:
        WeightsError, SettingsError: a model that was named is not there or translates no pictures.
    """

    def __init__(self, words: Sequence[str], load: Callable[[str], Translator] = Translator.load) -> None:
        self._load = load
        self._named = tuple(words)
        self._loaded: OrderedDict[str, tuple[str, Translator]] = OrderedDict()  # with the SHA-256 of each
        self._lock = threading.Lock()
        if words:
            for word in words:
                choice_of(word)
        elif not self.choices():
            raise SettingsError("There is no model here yet. Train one, or fetch one that translate weights list has.")

    def choices(self) -> list[Choice]:
        """List the models that are there now: those that were named, or the newest of all."""
        found: list[Choice] = []
        for word in self._words():
            try:
                found.append(choice_of(word))
            except TranslateError:  # it draws, is damaged, or has gone
                continue
        return found

    def choice(self, word: str) -> Choice:
        """Return the model of a word. Raises `SettingsError` where the page does not offer it."""
        words = self._words()
        if word not in words:
            raise SettingsError(f"This page has no model {word!r}.{nearest(word, words)}")
        return choice_of(word)

    def translator(self, choice: Choice) -> Translator:
        """Load a model, or return it where it is loaded already and has not changed."""
        with self._lock:
            sha256, translator = self._loaded.pop(choice.word, ("", None))
            if translator is None or sha256 != choice.about.sha256:
                translator = self._load(choice.word)
            self._loaded[choice.word] = choice.about.sha256, translator
            while len(self._loaded) > LOADED:
                self._loaded.popitem(last=False)
            return translator

    def _words(self) -> Sequence[str]:
        return self._named or all_words()


def all_words() -> list[str]:
    """List the words of all models that are here: those that ship first, then runs, then others."""
    here = cards.weights_here()
    shipped = sorted(name for name, file in here.items() if cards.ships(file))
    runs = [path.parent.as_posix() for path in sorted(Path("runs").glob(f"*/{EXPORT}"))]
    return [*shipped, *runs, *sorted(here.keys() - set(shipped))]


def choice_of(word: str) -> Choice:
    """Say what a model is.

    Raises:
        WeightsError, SettingsError: as `about_translator`.
    """
    about = about_translator(word)
    if word in cards.names("weights"):
        card = cards.weights(word)
        picture = cards.shelf("weights") / card.picture if card.picture else None
        return Choice(word, card.title, picture, about, card.failures)
    grids = RunFolder(word).grids()
    return Choice(word, about.summary, grids[-1] if grids else None, about)
