"""Networks without memory have shapes, and nothing is drawn for them."""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from translate.networks.discriminators import PatchGAN
from translate.networks.memoryless import without_memory
from translate.networks.resnet import Resnet


def test_what_is_built_without_memory_takes_none() -> None:
    with without_memory():
        network = Resnet(width=4096).build(3, 3)  # 1.5 TB, if it were there
    assert all(parameter.is_meta for parameter in network.parameters())


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
