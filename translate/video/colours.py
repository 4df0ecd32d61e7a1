"""What the numbers of a film mean: its matrix, range, primaries and transfer, as ITU-T H.273 counts them."""

from dataclasses import dataclass

BT709, BT601 = 1, 6
NARROW, FULL = 1, 2
HDR = {16: "PQ", 18: "HLG"}  # transfers
HD = 720  # lines: untagged films of so many are in BT.709, others in BT.601
# The matrices that swscale knows, by those of H.273.
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


@dataclass(frozen=True)
class Colours:
    """What the numbers of a film mean.

    Attributes:
        matrix: between RGB and luma with chroma.
        range: `NARROW` or `FULL`.
        primaries: of its red, green and blue.
        transfer: between numbers and light.
    """

    matrix: int
    range: int
    primaries: int
    transfer: int

    @property
    def swscale(self) -> int:
        """The matrix as swscale calls it."""
        return _SWSCALE.get(self.matrix, 1)

    @property
    def hdr(self) -> str:
        """The name of its high dynamic range; empty: it has none."""
        return HDR.get(self.transfer, "")

    def settled(self, lines: int) -> "Colours":
        """Return the colours of a film of so many lines, in which nothing is unsaid that changes its numbers."""
        usual = BT709 if lines >= HD else BT601
        matrix = self.matrix if self.matrix in _SWSCALE else usual  # an RGB film is written with another matrix
        return Colours(matrix, self.range if self.range in (NARROW, FULL) else NARROW, self.primaries, self.transfer)


STILLS = Colours(BT709, NARROW, BT709, BT709)  # of films made of pictures: sRGB is shown as these
