"""A translator that also converts folders: what `translate.Translator` is."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from torch import nn

from translate import cards, images
from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.single import translate_encoded
from translate.conversion.words import BLENDING, blending_of, refuse_unknown, settings_of
from translate.errors import SettingsError, WeightsError
from translate.exchange.publishing import publication
from translate.exchange.store import fetch, published
from translate.inference.translator import Image, Translator
from translate.models.exports import write_export
from translate.places import path_of
from translate.progress import silent
from translate.run_folder import EXPORT

# Words that have a meaning for an image that is no file.
_OF_PIXELS = ("size", "blending", "mask", "fill", "enlarge", *BLENDING)


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
            file = Path(folder) / EXPORT
            write_export(file, nn.ModuleList(self.method.averaged()), self.about)
            return publication(file, cards.on_hub(repository)).send(public, overwrite)

    def __call__(self, image: Image, to: str | None = None, *, out: str | Path | None = None, **words: Any) -> Image:
        """Translate one image; what comes back has the same kind and size.

        Args:
            image: an array, a tensor, a picture of Pillow, or the path of a file; see `Translator.__call__`.
            to: the domain, or changes of attributes such as "Young=0", or None for the model's default.
            out: for a path, the file to write, whose path comes back.
            words: what `translate apply` has as options, such as `size=512`, `strength=0.5`, `keep_colour=True`,
                `fill=True`, and `mask`, here an array (H, W) of uint8; for a path also a path, and all of
                `words.settings_of`.

        Raises:
            TypeError: there is no such option.
            SettingsError, ImageDecodeError, OutputError, WeightsError, OutOfMemory, DeviceError, ValueError: as
                `Translator.__call__`.
        """
        if not isinstance(image, str | Path) or isinstance(words.get("mask"), np.ndarray):
            refuse_unknown(words, _OF_PIXELS)
            parts = {name: words.pop(name) for name in BLENDING if name in words}
            if parts:
                words["blending"] = blending_of(parts)
            return super().__call__(image, to, out=out, **words)
        settings = settings_of(words)
        if out is None:
            raise SettingsError(f"The result of {image} needs a place; name a file with out=.")
        source = path_of(image)
        picture = translate_encoded(self, source, to, settings)
        images.write(picture, path_of(out), settings.encoding, source if settings.preserve_times else None)
        return type(image)(out)

    def folder(
        self,
        inputs: str | Path | Sequence[str | Path],
        out: str | Path,
        to: str | None = None,
        *,
        overwrite: bool = False,
        **words: Any,
    ) -> Iterator[Result]:
        """Translate files, folders and patterns into the folder `out`; yield what became of each picture.

        Args:
            inputs: see `inputs.find`.
            out: see `planning.plan`.
            to: as for a single image, or "all" for every target, each in a folder of its name.
            overwrite: make results again that are already there, which else are skipped, if this model has made them
                with these options.
            words: what `translate apply` has as options, such as `size=512`, `strength=0.5`, `format="png"`; see
                `words.settings_of`.

        Raises:
            TypeError: there is no such option.
            SettingsError, DataError, OutputError, DeviceError: as `Job.run`.
        """
        inputs = (inputs,) if isinstance(inputs, str | Path) else tuple(inputs)
        return Job(self.about, inputs, path_of(out), to, settings_of(words), overwrite=overwrite).run(self)
