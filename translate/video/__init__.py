"""Films between files and frames; the only place that knows PyAV, which is the extra `video`.

A frame is a `Picture`: sRGB or whatever the film's own tags say, upright, in 8 bits or, where the film has more, in 16.
What is written has the same tags, so that what nobody changed looks as it did. `check_installed` comes before all else:
the other modules of this room import PyAV.
"""

from translate.video.formats import check_installed, is_film, suffix_of

__all__ = ["check_installed", "is_film", "suffix_of"]
