"""From our models to what others, or further training, need."""

from pathlib import Path

import torch
from torch import nn

from translate.errors import SettingsError, WeightsError
from translate.files import atomic_file
from translate.methods.base import Translation, settings_class
from translate.models.about import About
from translate.networks.resnet import Resnet, ResnetGenerator
from translate.networks.unet import UNet, UNetGenerator
from translate.run_folder import RunFolder
from translate.training.checkpoint import Checkpoints


def discriminators_of(run: Path, about: About) -> list[nn.Module]:
    """Read the discriminators of a run from its newest checkpoint.

    Raises:
        WeightsError: `run` is no folder with a checkpoint of this model.
    """
    newest, _ = Checkpoints(RunFolder(run).checkpoints, {}, keep=1).newest()
    if newest is None:
        raise WeightsError(
            f"{run} has no checkpoints, and only these hold discriminators. Name a run's folder, or leave out"
            " --with-discriminators."
        )
    method = settings_class(about.method["name"]).parse(about.method).build(about.domains, about.size)
    try:
        method.load_state_dict(dict(newest.weights))
    except RuntimeError as error:
        raise WeightsError(
            f"The checkpoints in {run} are not those of its model: {str(error).splitlines()[1]}"
        ) from error
    return method.discriminators()


def write_official(path: Path, method: Translation, target: str) -> str:
    """Write the generator to a domain as junyanz/pytorch-CycleGAN-and-pix2pix does, and return what its test.py needs.

    Raises:
        SettingsError: no network of that code does the same.
        OutputError: the file cannot be written.
    """
    direction = 1 if target == method.domains[-1] else 2
    generators = method.generators()
    if len(method.domains) != 2 or not isinstance(generators[0], ResnetGenerator | UNetGenerator):
        raise SettingsError(f"{method.settings.name} has other generators than those of junyanz. Leave out --format.")
    generator = generators[direction - 1]
    options = _options(method.settings.generator)  # type: ignore[attr-defined]  # of methods with such generators
    with atomic_file(path) as temporary:
        torch.save({name: tensor.cpu() for name, tensor in generator.state_dict().items()}, temporary)
    return options


def _options(settings: Resnet | UNet) -> str:
    """Return the options of test.py that build the same network."""
    plain: Resnet | UNet
    if isinstance(settings, Resnet):
        plain = Resnet(width=settings.width, blocks=settings.blocks, norm=settings.norm)
        name, possible = f"resnet_{settings.blocks}blocks", settings.blocks in (6, 9)
    else:
        plain = UNet(width=settings.width, depth=settings.depth, norm=settings.norm)
        name, possible = f"unet_{1 << settings.depth}", settings.depth in (7, 8)
    if (
        not possible
        or settings.model_copy(update={"dropout": False}) != plain
        or settings.norm not in ("instance", "batch")
    ):
        raise SettingsError(
            "test.py builds generators of 6 or 9 blocks, or U-Nets of depth 7 or 8, with instance or batch norm and"
            f" nothing else; this one is {settings.model_dump_json()}."
        )
    eval_ = " --eval" if settings.norm == "batch" else ""
    return f"--model test --no_dropout --netG {name} --ngf {settings.width} --norm {settings.norm}{eval_}"
