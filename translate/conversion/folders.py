"""A translator that also converts folders: what `translate.Translator` is."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from torch import nn

from translate import cards
from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.settings import ConversionSettings
from translate.errors import WeightsError
from translate.exchange.publishing import publication
from translate.exchange.store import fetch, published
from translate.inference.translator import Translator
from translate.models.exports import write_export
from translate.progress import silent


class FolderTranslator(Translator):
    """A trained model, ready to translate pictures and folders of them. Safe to use from several threads."""

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> Self:
        """Load a model; published weights that are not here are downloaded first, as `translate weights fetch` does.

        Args:
            name: owner/repository on the Hugging Face Hub, with or without hf: in front; or as for `load`.
            options: as for `load`.

        Raises:
            SettingsError, WeightsError, OutputError: as `load` and `store.fetch` do.
            DeviceError: as `load`.
        """
        word = str(name) if Path(name).exists() else cards.on_hub(str(name))
        if word.startswith(cards.ON_HUB) or word in cards.names("weights"):
            fetch(published(word), silent)
        return cls.load(word, **options)

    def push_to_hub(self, repository: str, *, public: bool = False, overwrite: bool = False) -> str:
        """Upload the model, and a page about it, to the Hugging Face Hub, as `translate weights publish` does.

        Args:
            repository: owner/repository, with or without hf: in front; it is made if there is none.
            public: whether everybody may see a repository that is made.
            overwrite: whether files that are there already are replaced.

        Returns:
            the address of its page.

        Raises:
            SettingsError, WeightsError, OutputError: as `publication` and `hub.publish` do.
        """
        if self.method.cpu_only:
            raise WeightsError(f"{self.method.cpu_only} cannot be published. Publish the model that it was made of.")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.safetensors"
            write_export(file, nn.ModuleList(self.method.averaged()), self.about)
            return publication(file, cards.on_hub(repository)).send(public, overwrite)

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
