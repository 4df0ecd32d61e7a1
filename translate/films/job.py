"""A job of films: what is to be converted, into what, where and how, as `conversion.Job` is for pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from translate import images, video
from translate.conversion.inputs import find, is_picture, matching
from translate.conversion.manifest import Manifest
from translate.conversion.pipeline import Result, without_work
from translate.conversion.planning import Item
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.errors import DataError, ImageDecodeError, OutputError, SettingsError, UnfitPicture
from translate.files import as_output_error
from translate.films.conversion import convert_film, opened
from translate.films.sinks import picture_of
from translate.films.unfinished import place_of
from translate.inference.translator import Translator
from translate.models.about import About
from translate.places import is_remote
from translate.progress import Tell, silent
from translate.video.formats import container_of


@dataclass(frozen=True)
class FilmPlan:
    """What is to be done: films that wait, inputs that are not there, and films whose result is there."""

    films: tuple[Item, ...]
    missing: tuple[str, ...] = ()
    existing: tuple[Item, ...] = ()


@dataclass(frozen=True)
class FilmJob:
    """Films to convert with a model, or pictures that become a film.

    Attributes:
        about: what the model says of itself.
        inputs: films; or, where `out` is a film, files, folders and patterns of pictures, see `inputs.find`.
        out: a film; or a folder, where films keep their names, or where their frames are written if
            `settings.encoding.format` is one of pictures.
        to: a target as for `Targets.choose`.
        settings: how frames are translated and written.
        overwrite: make results again that are already there.
    """

    about: About
    inputs: tuple[str | Path, ...]
    out: Path
    to: str | None = None
    settings: ConversionSettings = DEFAULT
    overwrite: bool = False

    @property
    def target(self) -> str:
        """What frames are translated to. Raises `SettingsError` if the model knows no such target."""
        return self.about.targets.choose(self.to)

    def plan(self) -> FilmPlan:
        """Find the films and decide what each becomes; nothing is written.

        Raises:
            SettingsError: an option does not go with films, two films would become one, or one would be replaced.
            DataError: there is nothing to convert.
            OutputError: films are not written in this format.
        """
        self._check()
        self.settings.treatment.of(self.about)
        films, missing = self._of_pictures() if self._makes_one() else self._of_films()
        manifest = Manifest(self.out, self.about, self.settings)
        outdated = manifest.outdated()
        there = [one for one in films if self._is_there(one) and not self.overwrite and not outdated(one)]
        waiting = tuple(one for one in films if one not in there)
        return FilmPlan(waiting, missing, manifest.existing(there))

    def run(self, translator: Translator, plan: FilmPlan | None = None, tell: Tell = silent) -> Iterator[Result]:
        """Convert films one after the other, each from where it was stopped, and record what made them.

        Args:
            translator: the model, loaded.
            plan: from `plan`, which is called if it is not given.
            tell: takes the name of a film, and how many of its frames are written.

        Yields:
            A result for each film of the plan, the missing and the existing included.

        Raises:
            SettingsError, DataError, OutputError: as `plan`.
            OutputError, DeviceError: as `convert_film`.
        """
        plan = self.plan() if plan is None else plan
        yield from without_work(plan.missing, plan.existing)
        results = (convert_film(translator, film, self.settings, tell) for film in plan.films)
        yield from Manifest(self.out, self.about, self.settings).recorded(results)

    def facts(self, film: Item) -> dict[str, Any]:
        """Return what is known of a film before it is converted: its result's sides, frames, rate; or why it fails."""
        try:
            facts = opened(film, self.settings)[0].facts
        except (ImageDecodeError, UnfitPicture, OutputError) as error:
            return {"reason": str(error).removeprefix(f"{film.source} "), "frames": 0, "rate": "0"}
        height, width = (self.settings.enlarge * side for side in (facts.height, facts.width))
        known = {"height": height, "width": width, "frames": facts.count, "rate": str(facts.rate)}
        return {"reason": "", **known}

    @property
    def _format(self) -> str | None:
        return self.settings.encoding.format

    def _makes_one(self) -> bool:
        return not any(video.is_film(Path(word)) for word in self.inputs)

    def _check(self) -> None:
        settings = self.settings
        if remote := [place for place in (*self.inputs, self.out) if is_remote(place)]:
            raise SettingsError(f"Films are read and written on this machine; found {remote[0]}. Copy it here.")
        if self.about.targets.several(self.to):
            raise SettingsError("Films are translated to one target at a time. Name it with --to.")
        if settings.compare:
            raise SettingsError("--compare does not go with films.")
        if settings.encoding.frames == "first":
            raise SettingsError("--frame first makes stills, so it does not go with films.")
        if settings.encoding.depth == 16 and self._format is None and not self._makes_one():
            raise SettingsError("A film keeps its own depth; --depth 16 goes with --format png or tif, for its frames.")
        if settings.mask and settings.mask.is_dir():
            raise SettingsError("All frames of a film have one mask; name a picture with --mask.")

    def _of_films(self) -> tuple[list[Item], tuple[str, ...]]:
        words = list(dict.fromkeys(map(Path, self.inputs)))
        meant = {word: matching(word) for word in words}
        paths = list(dict.fromkeys(chain.from_iterable(meant.values())))
        if others := [path for path in paths if not video.is_film(path) or path.is_dir()]:
            raise SettingsError(f"{others[0]} is no film. Convert pictures and films with commands of their own.")
        if not paths:
            raise DataError(f"There are no films: {', '.join(map(str, words))} not found.")
        outputs = [self._output_of(path, len(paths)) for path in paths]
        for path, output in zip(paths, outputs, strict=True):
            if outputs.count(output) > 1:
                raise SettingsError(f"Several films would become {output}. Convert them into different folders.")
            if output.resolve() in [other.resolve() for other in paths]:
                raise SettingsError(f"{path} would be replaced by its result. Choose another place with --out.")
        pairs = zip(paths, outputs, strict=True)
        films = [Item(path, output, Path(path.name), self.target) for path, output in pairs]
        return films, tuple(str(word) for word in words if not meant[word])

    def _output_of(self, film: Path, count: int) -> Path:
        """Return the result of one of so many films: a film, or the first of its frames."""
        if self._format is not None:
            folder = self.out if count == 1 else self.out / film.stem
            if video.is_film(self.out) or is_picture(self.out):
                raise SettingsError(
                    "--format is of pictures, so --out is a folder for frames. Name one, or leave out --format."
                )
            return picture_of(folder, 1, images.FORMATS[self._format].suffix)
        with as_output_error(self.out):
            as_folder = self.out.is_dir() or not (self.out.exists() or self.out.suffix)
        if not as_folder:
            container_of(self.out)
            if count > 1:
                raise SettingsError(f"--out {self.out} is one film, of {count}. Name a folder.")
            return self.out
        return self.out / film.with_suffix(video.suffix_of(film)).name

    def _of_pictures(self) -> tuple[list[Item], tuple[str, ...]]:
        container_of(self.out)
        if self._format is not None:
            raise SettingsError("--format does not go with a film, whose name says what it is.")
        found = find(self.inputs)
        pictures = tuple(source for source, _ in found.pictures.values())
        source = Path(self.inputs[0])
        film = Item(source, self.out, Path(source.name), self.target, parts=pictures)
        return [film], tuple(found.missing)

    def _is_there(self, item: Item) -> bool:
        return item.output.exists() and not place_of(item.output).exists()
