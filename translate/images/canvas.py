"""Figures of lines and dots, smooth at the size at which they are shown."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from translate.images.picture import Array, Colour

FINER = 2  # everything is drawn so many times as large, and made smaller in the end

Place = tuple[float, float]  # x to the right and y downwards, in pixels


class Canvas:
    """A white picture to be drawn on.

    Args:
        width: in pixels.
        height: in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGB", (FINER * width, FINER * height), "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, places: Sequence[Place], colour: Colour, width: float = 1.5, dotted: bool = False) -> None:
        """Draw a broken line through places; a dotted one with every second of its pieces left out."""
        scaled = [(FINER * x, FINER * y) for x, y in places]
        pieces = [scaled[k : k + 2] for k in range(0, len(scaled) - 1, 2)] if dotted else [scaled]
        for piece in pieces:
            self._draw.line(piece, fill=colour, width=max(round(FINER * width), 1), joint="curve")

    def dots(self, places: Iterable[Place], colour: Colour, radius: float = 1.5) -> None:
        """Draw a disc at each place."""
        for x, y in places:
            box = [FINER * (x - radius), FINER * (y - radius), FINER * (x + radius), FINER * (y + radius)]
            self._draw.ellipse(box, fill=colour)

    def arrow(self, start: Place, end: Place, colour: Colour) -> None:
        """Draw a thin line with a head at its end."""
        self.line([start, end], colour, 0.75)
        along = np.array(end) - np.array(start)
        along = along / max(float(np.hypot(*along)), 1e-9)
        across = np.array([-along[1], along[0]])
        corners = [np.array(end), *(np.array(end) - 5 * along + side * across for side in (-2.5, 2.5))]
        self._draw.polygon([(float(FINER * x), float(FINER * y)) for x, y in corners], fill=colour)

    def text(self, place: Place, words: str, colour: Colour = (0, 0, 0)) -> None:
        """Write words in ASCII to the right of and below a place."""
        x, y = place
        self._draw.text((FINER * x, FINER * y), words, fill=colour, font=ImageFont.load_default(FINER * 12))

    def pixels(self) -> Array:
        """Return what was drawn, (height, width, 3) uint8."""
        width, height = self._image.size
        return np.asarray(self._image.resize((width // FINER, height // FINER), Image.Resampling.BOX))
