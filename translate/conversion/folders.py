"""A translator that also converts folders: what `translate.Translator` is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from translate.conversion.manifest import outdated, recorded
from translate.conversion.pipeline import Conversion, Result, convert
from translate.conversion.planning import plan
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
            inputs: see `planning.plan`.
            out: see `planning.plan`.
            to: as for a single image.
            overwrite: make results again that are already there, which else are skipped, if this model has made them
                with these options.
            options: the fields of `Conversion`.

        Raises:
            SettingsError, DataError, OutputError, DeviceError: as `planning.plan` and `convert`.
        """
        words, out = [inputs] if isinstance(inputs, str | Path) else inputs, Path(out)
        how, target = Conversion(**options), self.about.choose(to)
        others = outdated(out, self.about, target, how)
        found = plan(words, out, overwrite, how.encoding, besides=how.besides, outdated=others)
        return recorded(convert(self, found, target, how), out, self.about, target, how)
