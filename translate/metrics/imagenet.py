"""The thousand classes of ImageNet by their names."""

from translate.errors import SettingsError
from translate.settings import nearest


def class_number(name: str) -> int:
    """Return which class is called so; capitals do not matter, and hyphens and underscores are spaces.

    Raises:
        SettingsError: there is none; the sentence names the nearest.
    """
    from torchvision.models import SqueezeNet1_1_Weights  # importing it takes long; its weights are not read

    exact: list[str] = SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"]
    if name in exact:  # Cardigan is a dog, cardigan a garment
        return exact.index(name)
    names = [_plain(one) for one in exact]
    if _plain(name) not in names:
        raise SettingsError(
            f"ImageNet has no class {name!r}.{nearest(_plain(name), names)} It has 1000, among them zebra, sorrel (a"
            " horse), lakeside and castle."
        )
    return names.index(_plain(name))


def _plain(name: str) -> str:
    return name.lower().replace("-", " ").replace("_", " ")
