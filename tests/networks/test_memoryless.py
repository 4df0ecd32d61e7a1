"""Networks without memory have shapes, and nothing is drawn for them."""

import subprocess
import sys
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from translate.networks.discriminators import PatchGAN
from translate.networks.memoryless import without_memory
from translate.networks.resnet import Resnet


def test_what_is_built_without_memory_takes_none() -> None:
    with without_memory():
        network = Resnet(width=4096).build(3, 3)  # 1.5 TB, if it were there
    assert all(parameter.is_meta for parameter in network.parameters())


def test_the_methods_of_our_settings_are_built_without_torchs_compiler() -> None:
    code = """
import sys
from translate.networks.memoryless import without_memory
from translate.runs.options import resolve
for preset in ("cut", "fastcut", "quick", "quick-cyclegan"):
    settings = resolve(None, preset, [], {}).method
    with without_memory():
        method = settings.build(("a", "b"), 128)
    assert all(tensor.is_meta for tensor in method.state_dict().values())
    assert len(method.state_dict()) == len(settings.build(("a", "b"), 128).state_dict())
    assert "torch._dynamo" not in sys.modules, f"{preset} loads it"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_memory_spectrally_normalised_networks_have_the_shapes_that_they_have() -> None:
    settings = PatchGAN(width=2, layers=2, norm="none", spectral_norm=True)
    with without_memory():
        network = settings.build(3)
    found, expected = network.state_dict(), settings.build(3).state_dict()
    assert {name: tensor.shape for name, tensor in found.items()} == {n: t.shape for n, t in expected.items()}


def test_nothing_is_drawn_for_networks_without_memory() -> None:
    drawn: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            drawn.extend(name for name in ("normal", "uniform") if name in str(function))
            return function(*args, **(kwargs or {}))

    def build() -> None:
        Resnet(width=2, blocks=1).build(3, 3)
        PatchGAN(width=2, layers=1).build(3)

    with Watch():
        build()
        assert drawn
        drawn.clear()
        with without_memory():
            build()
    assert not drawn
