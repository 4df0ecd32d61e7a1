"""Films that tests draw and write, and what they read of them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

TICK = Fraction(1, 12_800)
UNEVEN = (0, 512, 1024, 1500, 3000, 3700, 4444, 4445, 6000, 7000)  # in ticks: a film of no constant rate
TAGS = (1, 1, 1, 1)  # BT.709 in a narrow range


def drawn(number: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Draw a frame: soft colours that move to the left, (height, width, 3)."""
    rows, columns = np.mgrid[:height, :width]
    x, y = (columns + 2 * number) / 20, rows / 15
    return np.stack([128 + 90 * np.sin(x + phase) * np.cos(y) for phase in (0, 2, 4)], 2).astype(np.uint8)


def write_film(
    path: Path,
    times: Sequence[int] = UNEVEN,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (48, 64),
    tags: tuple[int, int, int, int] = TAGS,
    **more: Any,
) -> Path:
    """Write a film of drawn frames.

    Args:
        path: its suffix says the container.
        times: of the frames, in ticks.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the format of the pixels; with alpha, frames become clearer to the right.
        size: height and width.
        tags: matrix, range, primaries and transfer.
        more: `rotation` in degrees counterclockwise; `sound`, a codec; `title`; `options` of the encoder.
    """
    height, width = size
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream(codec, rate=25, options=more.get("options", {}))
        sound: Any = film.add_stream(more["sound"], rate=48_000) if "sound" in more else None
        film.metadata.update({"title": more["title"], "location": "+48.1+011.5/"} if "title" in more else {})
        stream.height, stream.width, stream.pix_fmt = height, width, pixels
        stream.time_base = stream.codec_context.time_base = TICK
        _tag(stream.codec_context, tags)
        if "rotation" in more:
            stream.set_display_rotation(more["rotation"])
        deep, alpha = "10" in pixels, "yuva" in pixels
        for number, time in enumerate(times):
            samples = drawn(number, height, width)
            if alpha:
                samples = np.dstack([samples, np.tile(np.linspace(255, 0, width).astype(np.uint8), (height, 1))])
            kind = {(0, 0): "rgb24", (0, 1): "rgba", (1, 0): "rgb48le"}[int(deep), int(alpha)]
            frame: Any = av.VideoFrame.from_ndarray(samples * np.uint16(257) if deep else samples, format=kind)
            matrix = {0: 1, 2: 5, 6: 5}.get(tags[0], tags[0])
            frame = frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=tags[1] or 1)
            frame.pts, frame.time_base = time, TICK
            _tag(frame, tags)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
        if sound is not None:
            _add_sound(film, sound, float(times[-1] * TICK))
    return path


def _tag(tagged: Any, tags: tuple[int, int, int, int]) -> None:
    tagged.colorspace, tagged.color_range, tagged.color_primaries, tagged.color_trc = tags


def _add_sound(film: Any, stream: Any, seconds: float) -> None:
    count = int(48_000 * seconds) // 1024 * 1024
    wave = (8000 * np.sin(np.arange(count) / 20)).astype(np.float32) / 32768
    for start in range(0, count, 1024):
        samples: Any = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
        samples.sample_rate, samples.pts = 48_000, start
        film.mux(stream.encode(samples))
    film.mux(stream.encode())


def times_of(path: Path) -> list[Fraction]:
    """Return when the frames of a film are shown, in seconds."""
    with av.open(str(path)) as film:
        return [frame.pts * frame.time_base for frame in film.decode(video=0) if frame.pts is not None]


def sound_of(path: Path) -> list[tuple[Any, bytes]]:
    """Return the packets of sound, with their times in seconds."""
    with av.open(str(path)) as film:
        return [(one.pts * one.time_base, bytes(one)) for one in film.demux(audio=0) if one.size]  # type: ignore[operator]
