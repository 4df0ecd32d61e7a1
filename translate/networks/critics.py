"""Several critics as one discriminator: what one of them does not see, another does."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, field_validator
from torch import Tensor, nn

from translate.errors import SettingsError
from translate.networks.discriminators import Critic as StarGANCritic
from translate.networks.discriminators import PatchGAN, PixelGAN
from translate.networks.projected import Projected
from translate.objectives import OBJECTIVES, Objective, ObjectiveName, joint
from translate.settings import Settings, kind_or

Single = (
    Annotated[PatchGAN, Tag("patchgan")] | Annotated[PixelGAN, Tag("pixelgan")] | Annotated[Projected, Tag("projected")]
)


class Weighted(Settings):
    """One of several critics."""

    critic: Annotated[Single, kind_or("patchgan")]
    """The discriminator."""
    weight: float = Field(1.0, gt=0)
    """Of its objective, for D and for G."""
    objective: ObjectiveName = "hinge"
    """What it and the generator minimise."""


class Several(Settings):
    """Critics that judge the same pictures, each with an objective of its own."""

    kind: Literal["several"] = "several"
    critics: tuple[Weighted, ...] = Field(min_length=1)
    """Their scores are judged one by one, and their losses added."""

    @field_validator("critics", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def multiple(self) -> int:
        """Sides must be a multiple of this, in pixels."""
        return 1  # of all critics that may be among them

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return max(int(one.critic.smallest) for one in self.critics)

    def build(self, in_channels: int) -> "SeveralDiscriminators":
        """Build the networks with torch's default initialisation."""
        return SeveralDiscriminators([one.critic.build(in_channels) for one in self.critics])

    def build_with_labels(self, in_channels: int, labels: int, size: int) -> "LabelSeveralDiscriminators":
        """Build the networks, the first of them with a second head for labels.

        Raises:
            SettingsError: the first is a kind that has no such head.
        """
        first, *others = (one.critic for one in self.critics)
        if isinstance(first, PixelGAN):
            raise SettingsError(
                "The first of several critics also reads labels, which a pixelgan cannot: it sees colours only. Put"
                " another one first."
            )
        reader = first.build_with_labels(in_channels, labels, size)
        return LabelSeveralDiscriminators([reader, *(critic.build(in_channels) for critic in others)])


class SeveralDiscriminators(nn.Module):
    """Networks that see the same pictures."""

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, x: Tensor) -> list[Tensor | list[Tensor]]:
        """(N, C, H, W) in [-1, 1] -> the scores of each critic, for the objective that `objective_of` returns."""
        return [critic(x) for critic in self.critics]


class LabelSeveralDiscriminators(SeveralDiscriminators):
    """Networks that see the same pictures, the first of which also reads labels."""

    def forward(self, x: Tensor) -> tuple[list[Tensor | list[Tensor]], Tensor]:  # type: ignore[override]  # a head more
        """(N, C, H, W) in [-1, 1] -> scores as without labels, and logits (N, labels)."""
        scores, logits = self.critics[0](x)
        return [scores, *(critic(x) for critic in list(self.critics)[1:])], logits


# What the discriminator of a method may be; where no kind is given, the first.
Critic = Annotated[Single | Annotated[Several, Tag("several")], kind_or("patchgan")]
LabelCritic = Annotated[
    Annotated[StarGANCritic, Tag("critic")]
    | Annotated[PatchGAN, Tag("patchgan")]
    | Annotated[Projected, Tag("projected")]
    | Annotated[Several, Tag("several")],
    kind_or("critic"),
]


def objective_of(settings: Settings, objective: ObjectiveName) -> Objective:
    """Return the objective of a discriminator: `objective`, or of several critics the weighted sum of their own."""
    if isinstance(settings, Several):
        return joint([(OBJECTIVES[one.objective], one.weight) for one in settings.critics])
    return OBJECTIVES[objective]


def reads_features(settings: Settings) -> bool:
    """Whether a discriminator, or one of several, sees pictures through a frozen network that knows RGB alone."""
    several = [one.critic for one in settings.critics] if isinstance(settings, Several) else [settings]
    return any(isinstance(one, Projected) for one in several)
