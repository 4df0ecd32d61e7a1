"""A conversion job: one record of what is to be converted, into what, where and how.

The command line, Python and every other caller fill in the record; planning and running are the same for all of them.
"""

import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from translate.conversion import planning, watching
from translate.conversion.manifest import Manifest
from translate.conversion.pipeline import Result, convert
from translate.conversion.planning import MIRRORED, ConversionPlan, Item, Naming
from translate.conversion.presence import presence
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.inference.translator import Translator
from translate.models.about import About


@dataclass(frozen=True)
class Job:
    """Pictures to convert with a model.

    Attributes:
        about: what the model says of itself. It is loaded elsewhere, so that a job can be planned without, and sent to
            where it is run.
        inputs: files, folders, patterns and lists, see `inputs.find`.
        out: a folder, or for a single picture a file, see `planning.plan`. None: results replace their pictures, which
            are kept, see `planning.plan_in_place`; `naming` has no meaning then.
        to: a target as for `Targets.choose`; or "all", for all that the model has, each into a folder of its name.
        settings: how pictures are translated and written.
        naming: how results are called in `out`.
        shard: (i, n), the i-th of n parts, for several machines.
        overwrite: make results again that are already there. Else they are made again only where they are known to come
            from another model, other settings, or what a picture or its mask was before.
    """

    about: About
    inputs: tuple[str | Path, ...]
    out: Path | None
    to: str | None = None
    settings: ConversionSettings = DEFAULT
    naming: Naming = MIRRORED
    shard: tuple[int, int] = (1, 1)
    overwrite: bool = False

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """What each picture is translated to. Raises `SettingsError` if the model knows no such target."""
        return tuple(self.about.targets.several(self.to)) or (self.about.targets.choose(self.to),)

    @property
    def has_several_targets(self) -> bool:
        """Whether each target has a folder of its own, which may be just one folder."""
        return bool(self.about.targets.several(self.to))

    @property
    def goal(self) -> str:
        """All targets in words, such as "zebra" or "horse, zebra"."""
        return ", ".join(self.targets)

    def with_note(self) -> "Job":
        """Return the same job, whose results name model, version and target in their metadata."""
        version = importlib.metadata.version("image-translate")
        note = f"image-translate {version}, model {self.about.sha256[:12]}, to {self.goal}"
        return replace(self, settings=replace(self.settings, encoding=replace(self.settings.encoding, note=note)))

    def plan(self) -> ConversionPlan:
        """Find the pictures and decide what each becomes; nothing is written.

        Raises:
            SettingsError, DataError, OutputError: as `targets`, `Treatment.of` and `planning.plan`.
        """
        return self._plan(self._manifest())

    def run(self, translator: Translator, plan: ConversionPlan | None = None) -> Iterator[Result]:
        """Convert pictures and record in the output folder what made them.

        Args:
            translator: the model, loaded.
            plan: from `plan`, which is called if it is not given; or a part of it.

        Yields:
            A result for each item of the plan, the missing and the existing included.

        Raises:
            SettingsError, DataError, OutputError: as `plan`; raised at once.
            OutputError: as `pipeline.convert`.
            DeviceError: the device failed, or there is not enough memory to read or write pictures.
        """
        results = convert(translator, self.plan() if plan is None else plan, self.settings)
        return self._manifest().recorded(results)

    def watch(self, translator: Translator, wait: Callable[[], None]) -> Iterator[Result]:
        """Convert what is there and what appears, for ever; see `watching.watch`.

        Results and errors are those of `run`, but that there are no pictures is no error.
        """
        manifest = self._manifest()
        results = watching.watch(translator, lambda: self._plan(manifest), wait, self.settings)
        return manifest.recorded(results)

    def count_outdated(self, plan: ConversionPlan) -> int:
        """Count the items whose results are there, but were made with or from something else than now."""
        outdated = [item.output for item in filter(self._manifest().outdated(), plan.items)]
        return sum(map(presence(plan.place or Path()), outdated)) if outdated else 0

    def _manifest(self) -> Manifest:
        return Manifest(self.out, self.about, self.settings)

    def _plan(self, manifest: Manifest) -> ConversionPlan:
        self.settings.treatment.of(self.about)
        again = _always if self.overwrite else manifest.outdated()
        if self.out is None:
            encoding, target = self.settings.encoding, self.targets[0]
            return planning.plan_in_place(self.inputs, target, encoding, self.shard, again, manifest.is_edited)
        naming = replace(self.naming, by_target=self.has_several_targets)
        return planning.plan(self.inputs, self.out, self.targets, self.settings, naming, self.shard, again)


def _always(item: Item) -> bool:
    return True
