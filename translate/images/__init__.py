"""Pictures between files and arrays; the only place that knows Pillow.

Whatever a file holds, a `Picture` is sRGB, upright, with its alpha beside it, in 8 bits or, where asked for, in 16.
Other depths are scaled, never wrapped, by the range that a TIFF states, else:

    16-bit grey and colour   0..65535, rounded; 0..4095 where 12 bits are said, or used, which is noted; signed 0..32767
    32-bit integers          0..1, 0..255 or 0..65535, the first that holds the largest value, else 0 to it
    floats                   the same, for all levels but one in a thousand, or a tenth above, which is noted; else
                             0 to nearly the largest; below 0 and NaN are black, infinity is white

What is written carries pixels, an sRGB profile, and of the metadata what `Encoding` asks for, by default the date.
"""

from translate.images.canvas import Canvas
from translate.images.formats import FORMATS, SUFFIXES, format_of, holds_frames
from translate.images.idx import read_idx
from translate.images.limits import LIMITS, Limits
from translate.images.picture import WHITE, Array, Colour, Depth, Encoding, Picture, to_depth
from translate.images.reading import count_frames, from_pillow, output_suffix, probe, read, read_frames
from translate.images.sheets import captioned, resize, resize_plane, resize_unrounded, sheet, write_animation
from translate.images.transparency import laid_on, read_colour, visible
from translate.images.writing import check_fits, encode, to_pillow, write, write_pixels

__all__ = [
    "FORMATS",
    "LIMITS",
    "SUFFIXES",
    "WHITE",
    "Array",
    "Canvas",
    "Colour",
    "Depth",
    "Encoding",
    "Limits",
    "Picture",
    "captioned",
    "check_fits",
    "count_frames",
    "encode",
    "format_of",
    "from_pillow",
    "holds_frames",
    "laid_on",
    "output_suffix",
    "probe",
    "read",
    "read_colour",
    "read_frames",
    "read_idx",
    "resize",
    "resize_plane",
    "resize_unrounded",
    "sheet",
    "to_depth",
    "to_pillow",
    "visible",
    "write",
    "write_animation",
    "write_pixels",
]
