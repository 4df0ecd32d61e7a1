"""What the generators of methods may be."""

from typing import Annotated

from pydantic import Tag

from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.networks.srresnet import SRResNet
from translate.networks.unet import UNet
from translate.settings import kind_or

# What the generator of a method may be: its own one, which is meant when no kind is given, or another.
Generator = Annotated[
    Annotated[Resnet, Tag("resnet")]
    | Annotated[SkipResnet, Tag("skip-resnet")]
    | Annotated[SRResNet, Tag("srresnet")]
    | Annotated[UNet, Tag("unet")],
    kind_or("resnet"),
]
TappedGenerator = Annotated[
    Annotated[Resnet, Tag("resnet")] | Annotated[SkipResnet, Tag("skip-resnet")], kind_or("resnet")
]  # those with `taps`, `tapped` and `encode`
AnyGenerator = Annotated[
    Annotated[Resnet, Tag("resnet")]
    | Annotated[SkipResnet, Tag("skip-resnet")]
    | Annotated[UNet, Tag("unet")]
    | Annotated[EncoderDecoder, Tag("encoder-decoder")],
    kind_or("resnet"),
]
