"""How large a file may be that is decoded; what is larger is refused before it takes memory."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """The most that a file may have. Refusals are a `ValueError`, whose sentence names the option that allows more.

    Attributes:
        pixels: of a picture, or of all frames of an animation together.
        frames: of an animation.
        mebibytes: of the file: as many as `pixels` need at most by default, with four channels of 16 bits.
    """

    pixels: int = 64_000_000
    frames: int = 2000
    mebibytes: int = 512

    def with_pixels(self, count: int) -> "Limits":
        """Return limits for so many pixels, whose files may have as many bytes as these need."""
        return replace(self, pixels=count, mebibytes=max(self.mebibytes, 8 * count >> 20))

    @property
    def bytes(self) -> int:
        """The most bytes of the file."""
        return self.mebibytes << 20

    def check_bytes(self, count: int) -> None:
        """Refuse a file of more bytes, and one of none."""
        if not count:
            raise ValueError("there are no bytes")
        if count > self.bytes:
            raise ValueError(f"it has more than {self.mebibytes} MiB; a larger --max-file-mb reads it")

    def check_frames(self, count: int) -> None:
        """Refuse an animation of more frames."""
        if count > self.frames:
            raise ValueError(f"it has more than {self.frames} frames; a larger --max-frames reads it")

    def check_pixels(self, height: int, width: int, frames: int = 1) -> None:
        """Refuse as many frames of more pixels."""
        if (count := height * width * frames) > self.pixels:
            raise ValueError(
                f"it has too many pixels, found {count}, limit {self.pixels}; a larger --max-pixels reads it"
            )


LIMITS = Limits()
