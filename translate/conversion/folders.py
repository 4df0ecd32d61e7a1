"""A translator that also converts folders: what `translate.Translator` is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.settings import ConversionSettings
from translate.inference.translator import Translator


class FolderTranslator(Translator):
    """A trained model, ready to translate pictures and folders of them. Safe to use from several threads."""

    def folder(
        self,
        inputs: str | Path | Sequence[str | Path],
        out: str | Path,
        to: str | None = None,
        *,
        overwrite: bool = False,
        **options: Any,
    ) -> Iterator[Result]:
        """Translate files, folders and patterns into the folder `out`; yield what became of each picture.

        Args:
            inputs: see `inputs.find`.
            out: see `planning.plan`.
            to: as for a single image, or "all" for every target, each in a folder of its name.
            overwrite: make results again that are already there, which else are skipped, if this model has made them
                with these options.
            options: the fields of `ConversionSettings`.

        Raises:
            SettingsError, DataError, OutputError, DeviceError: as `Job.run`.
        """
        words = (inputs,) if isinstance(inputs, str | Path) else tuple(inputs)
        return Job(self.about, words, Path(out), to, ConversionSettings(**options), overwrite=overwrite).run(self)
