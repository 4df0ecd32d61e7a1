"""From files of others to an export of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from translate.errors import SettingsError, WeightsError
from translate.exchange.foreign_checkpoints import read_checkpoint
from translate.exchange.recognised import ImportOptions, RecognisedNetwork
from translate.exchange.recognition import recognise
from translate.methods.base import PRETRAINED, MethodSettings, Translation, settings_class, translation
from translate.models.about import About, versions
from translate.models.exports import write_export
from translate.networks.discriminators import Critic, PatchGAN, PixelGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.memoryless import without_memory

DISCRIMINATORS = (Critic, PatchGAN, PixelGAN, WholeImage)
SIZE = 256  # pixels: what networks were trained at that do not tell


@dataclass(frozen=True)
class ImportRequest:
    """What is to become a model.

    Attributes:
        file: a generator, from the first domain to the second or, of StarGAN, to all.
        back: the generator from the second domain to the first.
        discriminators: the discriminator of each domain, by the domain that it judges; of StarGAN the one, under "".
        domains: names of the domains; None: A and B, or not needed.
        attributes: names of the attributes, for a StarGAN that was trained on such.
        size: the side of the pictures they were trained on, in pixels; None: what the network or its paper says.
        part: which network of each file, where there are several in it.
        options: what names and shapes do not tell.
        about: further fields of `About`.
    """

    file: Path
    back: Path | None = None
    discriminators: Mapping[str, Path] = field(default_factory=dict)
    domains: Sequence[str] | None = None
    attributes: Sequence[str] | None = None
    size: int | None = None
    part: str | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    about: Mapping[str, Any] = field(default_factory=dict)


def import_weights(request: ImportRequest, out: Path) -> About:
    """Convert files of others to an export, and return what that says of itself.

    Raises:
        WeightsError: a file is no network of the official codes, is damaged, or wants to run code.
        SettingsError: something has to be said that the files do not tell.
        OutputError: `out` cannot be written.
    """
    generator = _recognised(request, request.file)
    if isinstance(generator.settings, DISCRIMINATORS):
        raise SettingsError(
            f"{request.file} is a {generator.name}, which translates nothing. Import its generator, and name this file"
            " with --judge."
        )
    if (generator.in_channels, generator.out_channels) != (3, 3):
        raise WeightsError(
            f"{request.file} makes {generator.out_channels} channels of {generator.in_channels}; only networks from"
            " colour to colour can be imported."
        )
    back = _recognised(request, request.back) if request.back else None
    if back and back.settings != generator.settings:
        raise WeightsError(f"{request.back} is a {back.name}, but {request.file} a {generator.name} of other settings.")
    discriminators = {domain: _recognised(request, file) for domain, file in request.discriminators.items()}
    settings, domains, ordered = _joined(request, generator, back, discriminators)
    size = request.size or max([generator.size, *(D.size for D in discriminators.values())]) or SIZE
    with without_memory():
        method = translation(settings.build(domains, size))
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
        versions=dict(versions()),
        notes=list(dict.fromkeys(note for found in [*generators, *ordered] for note in found.notes)),
        **{"source": _source(generator, request), **request.about},
    )
    shipped = nn.ModuleList(method.averaged())
    write_export(out, shipped, about, discriminators=_unshipped(method, ordered))
    return about


def _recognised(request: ImportRequest, file: Path) -> RecognisedNetwork:
    try:
        return recognise(read_checkpoint(file, request.part), request.options)
    except WeightsError as error:
        raise error if str(file) in str(error) else WeightsError(f"{file}: {error}") from error


def _joined(
    request: ImportRequest,
    generator: RecognisedNetwork,
    back: RecognisedNetwork | None,
    discriminators: Mapping[str, RecognisedNetwork],
) -> tuple[MethodSettings, Sequence[str], list[RecognisedNetwork]]:
    """Return the method, the names of its domains, and the discriminators in its order."""
    tree: dict[str, Any] = {"generator": generator.settings.model_dump(mode="json")}
    if isinstance(generator.settings, LabelResnet):
        domains = _labels(request, generator)
        ordered = list(discriminators.values())
        if request.attributes is not None and not ordered:
            raise SettingsError(
                "A StarGAN of attributes needs its discriminator, which reads off a picture the attributes that stay."
                " Name its file with --judge FILE."
            )
        tree |= {"name": "stargan", "labels": "domains" if request.attributes is None else "attributes"}
    else:
        domains = request.domains or ("A", "B")
        if request.attributes is not None or len(domains) != 2:
            raise SettingsError(f"{request.file} translates between two domains. Say --domains FROM,TO.")
        if request.discriminators and (not back or set(request.discriminators) != set(domains)):
            raise SettingsError(
                "Discriminators are of use for training further, in both directions: name the generators of both, the"
                f" second with --back, and both discriminators, with --judge {domains[0]}=FILE --judge"
                f" {domains[1]}=FILE."
            )
        ordered = [discriminators[domain] for domain in domains] if discriminators else []
        two_ways = "discogan" if isinstance(generator.settings, EncoderDecoder) else "cyclegan"
        tree |= {"name": two_ways if back else PRETRAINED}
    if ordered:
        tree |= {"discriminator": ordered[0].settings.model_dump(mode="json")}
    try:
        settings = settings_class(tree["name"]).parse(tree)
    except SettingsError as error:
        raise WeightsError(f"{ordered[0].name} does not belong to {generator.name}: {error}") from error
    return settings, domains, ordered


def _labels(request: ImportRequest, generator: RecognisedNetwork) -> Sequence[str]:
    """Return the names of StarGAN's labels."""
    names = request.attributes if request.attributes is not None else request.domains
    if (
        names is None
        or len(names) != generator.labels
        or (request.attributes is not None and request.domains is not None)
    ):
        raise SettingsError(
            f"This StarGAN has {generator.labels} labels. Name them in the order of its training: --domains A,B,..."
            " where a picture has one of them, as in RaFD, or --attributes A,B,... where it may have several, as in"
            " CelebA."
        )
    return names


def _fill(networks: Sequence[nn.Module], found: Sequence[RecognisedNetwork]) -> None:
    for network, one in zip(networks, found, strict=True):
        network.load_state_dict(one.fitted(network).tensors, assign=True)


def _unshipped(method: Translation, ordered: Sequence[RecognisedNetwork]) -> list[nn.Module]:
    """Return the discriminators that are not among the shipped networks already."""
    return [network for network in method.discriminators() if network not in method.averaged()] if ordered else []


def _source(generator: RecognisedNetwork, request: ImportRequest) -> str:
    return f"{generator.name}, from {request.file.name}"
