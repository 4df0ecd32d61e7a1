"""From files of others to an export of ours."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from translate.errors import SettingsError, WeightsError
from translate.exchange.foreign_checkpoints import read_checkpoint
from translate.exchange.recognised import Choices, Found
from translate.exchange.recognition import recognise
from translate.methods.base import PRETRAINED, MethodSettings, Translation, settings_class
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import Critic, PatchGAN, PixelGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.memoryless import without_memory

JUDGES = (Critic, PatchGAN, PixelGAN, WholeImage)
SIZE = 256  # pixels: what networks were trained at that do not tell


@dataclass(frozen=True)
class Import:
    """What is to become a model.

    Attributes:
        file: a generator, from the first domain to the second or, of StarGAN, to all.
        back: the generator from the second domain to the first.
        judges: the discriminator of each domain, by the domain that it judges; of StarGAN the one, under "".
        domains: names of the domains; None: A and B, or not needed.
        attributes: names of the attributes, for a StarGAN that was trained on such.
        size: the side of the pictures they were trained on, in pixels; None: what the network or its paper says.
        part: which network of each file, where there are several in it.
        choices: what names and shapes do not tell.
        about: further fields of `About`.
    """

    file: Path
    back: Path | None = None
    judges: Mapping[str, Path] = field(default_factory=dict)
    domains: Sequence[str] | None = None
    attributes: Sequence[str] | None = None
    size: int | None = None
    part: str | None = None
    choices: Choices = field(default_factory=Choices)
    about: Mapping[str, Any] = field(default_factory=dict)


def import_weights(wish: Import, out: Path) -> About:
    """Convert files of others to an export, and return what that says of itself.

    Raises:
        WeightsError: a file is no network of the official codes, is damaged, or wants to run code.
        SettingsError: something has to be said that the files do not tell.
        OutputError: `out` cannot be written.
    """
    generator = _recognised(wish, wish.file)
    if isinstance(generator.settings, JUDGES):
        raise SettingsError(
            f"{wish.file} is a {generator.name}, which translates nothing. Import its generator, and name this file"
            " with --judge."
        )
    if (generator.in_channels, generator.out_channels) != (3, 3):
        raise WeightsError(
            f"{wish.file} makes {generator.out_channels} channels of {generator.in_channels}; only networks from colour"
            " to colour can be imported."
        )
    back = _recognised(wish, wish.back) if wish.back else None
    if back and back.settings != generator.settings:
        raise WeightsError(f"{wish.back} is a {back.name}, but {wish.file} a {generator.name} of other settings.")
    judges = {domain: _recognised(wish, file) for domain, file in wish.judges.items()}
    settings, domains, ordered = _joined(wish, generator, back, judges)
    size = wish.size or max([generator.size, *(judge.size for judge in judges.values())]) or SIZE
    with without_memory():
        method = settings.build(domains, size)
    generators = [generator, *([back] if back else [])]
    players = method.players()
    _fill(players["G"], generators)
    _fill(players["D"] if ordered else [], ordered)
    about = About(
        method=settings.model_dump(mode="json"),
        **About.of_targets(method.targets.with_default(domains[1] if len(domains) == 2 else "")),
        size=size,
        steps=0,
        planned=0,
        values=(generator.settings.black, 1.0),
        versions={name: importlib.metadata.version(name) for name in ("image-translate", "torch")},
        notes=list(dict.fromkeys(note for found in [*generators, *ordered] for note in found.notes)),
        **{"source": _source(generator, wish), **wish.about},
    )
    shipped = nn.ModuleList(method.averaged())
    write_export(out, shipped, about, discriminators=_unshipped(method, ordered))
    return about


def _recognised(wish: Import, file: Path) -> Found:
    try:
        return recognise(read_checkpoint(file, wish.part), wish.choices)
    except WeightsError as error:
        raise error if str(file) in str(error) else WeightsError(f"{file}: {error}") from error


def _joined(
    wish: Import, generator: Found, back: Found | None, judges: Mapping[str, Found]
) -> tuple[MethodSettings, Sequence[str], list[Found]]:
    """Return the method, the names of its domains, and the discriminators in its order."""
    tree: dict[str, Any] = {"generator": generator.settings.model_dump(mode="json")}
    if isinstance(generator.settings, LabelResnet):
        domains = _labels(wish, generator)
        ordered = list(judges.values())
        if wish.attributes is not None and not ordered:
            raise SettingsError(
                "A StarGAN of attributes needs its discriminator, which reads off a picture the attributes that stay."
                " Name its file with --judge FILE."
            )
        tree |= {"name": "stargan", "labels": "domains" if wish.attributes is None else "attributes"}
    else:
        domains = wish.domains or ("A", "B")
        if wish.attributes is not None or len(domains) != 2:
            raise SettingsError(f"{wish.file} translates between two domains. Say --domains FROM,TO.")
        if wish.judges and (not back or set(wish.judges) != set(domains)):
            raise SettingsError(
                "Discriminators are of use for training further, in both directions: name the generators of both, the"
                f" second with --back, and both discriminators, with --judge {domains[0]}=FILE --judge"
                f" {domains[1]}=FILE."
            )
        ordered = [judges[domain] for domain in domains] if judges else []
        two_ways = "discogan" if isinstance(generator.settings, EncoderDecoder) else "cyclegan"
        tree |= {"name": two_ways if back else PRETRAINED}
    if ordered:
        tree |= {"discriminator": ordered[0].settings.model_dump(mode="json")}
    try:
        settings = settings_class(tree["name"]).parse(tree)
    except SettingsError as error:
        raise WeightsError(f"{ordered[0].name} does not belong to {generator.name}: {error}") from error
    return settings, domains, ordered


def _labels(wish: Import, generator: Found) -> Sequence[str]:
    """Return the names of StarGAN's labels."""
    names = wish.attributes if wish.attributes is not None else wish.domains
    if names is None or len(names) != generator.labels or (wish.attributes is not None and wish.domains is not None):
        raise SettingsError(
            f"This StarGAN has {generator.labels} labels. Name them in the order of its training: --domains A,B,..."
            " where a picture has one of them, as in RaFD, or --attributes A,B,... where it may have several, as in"
            " CelebA."
        )
    return names


def _fill(networks: Sequence[nn.Module], found: Sequence[Found]) -> None:
    for network, one in zip(networks, found, strict=True):
        network.load_state_dict(one.fitted(network).tensors, assign=True)


def _unshipped(method: Translation, ordered: Sequence[Found]) -> list[nn.Module]:
    """Return the discriminators that are not among the shipped networks already."""
    return [network for network in method.discriminators() if network not in method.averaged()] if ordered else []


def _source(generator: Found, wish: Import) -> str:
    return f"{generator.name}, from {wish.file.name}"
