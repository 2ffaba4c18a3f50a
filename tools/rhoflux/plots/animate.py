"""`rhoflux-plot animate`: a film of the density, with particles moving over it."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any, Iterator

import numpy as np
from matplotlib import animation
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from rhoflux.fields import Field
from rhoflux.plots.commands import UsageError
from rhoflux.plots.drawing import (
    PARTICLE_COLOUR,
    box_shape,
    cannot_write,
    density_colours,
    density_label,
    draw_image,
    open_field,
    require_dims,
    time_texts,
)
from rhoflux.points import Frames, left_out_note, read_paths


class GifWriter:
    """Writes frames with one palette for all of them, so that colours neither flicker nor form bands."""

    def __init__(self, fps: float):
        from PIL import Image

        self._image = Image
        self._milliseconds = round(1000 / fps)
        self._frames: list[np.ndarray] = []  # of each (height, width), colours as 0xRRGGBB

    @contextlib.contextmanager
    def saving(self, figure: Figure, output: str, dpi: int) -> Iterator[None]:
        """The same as of matplotlib's writers: what is grabbed inside is in the file at the end."""
        figure.set_dpi(dpi)
        self._figure = figure
        yield
        palette = self._palette()
        frames = [self._with_palette(frame, palette) for frame in self._frames]
        frames[0].save(output, save_all=True, append_images=frames[1:], duration=self._milliseconds, loop=0)

    def grab_frame(self) -> None:
        self._figure.canvas.draw()
        red, green, blue, _ = np.moveaxis(np.asarray(self._figure.canvas.buffer_rgba()).astype(np.uint32), 2, 0)
        self._frames.append(red << 16 | green << 8 | blue)

    def _palette(self) -> np.ndarray:
        """The most frequent colours as they are, and others that stand for the rest: (256, 3)."""
        colours, counts = np.unique(np.concatenate([frame.ravel() for frame in self._frames]), return_counts=True)
        frequent = _components(colours[np.argsort(-counts)[:32]])
        others = self._image.fromarray(_components(colours)[None].astype(np.uint8)).quantize(224, dither=0)
        others = np.reshape(others.getpalette()[: 3 * 224], (-1, 3))
        return np.concatenate([np.resize(frequent, (32, 3)), np.resize(others, (224, 3))])

    def _with_palette(self, frame: np.ndarray, palette: np.ndarray) -> Any:
        """The frame in the nearest colours of the palette."""
        colours, places = np.unique(frame, return_inverse=True)
        distances = ((_components(colours)[:, None] - palette) ** 2).sum(axis=-1)
        nearest = distances.argmin(axis=1).astype(np.uint8)
        image = self._image.fromarray(nearest[places].reshape(frame.shape))
        image.putpalette(palette.astype(np.uint8).tobytes())
        return image


def _components(colours: np.ndarray) -> np.ndarray:
    """Red, green and blue (n, 3) of colours 0xRRGGBB (n)."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(int)


def draw(arguments: argparse.Namespace) -> None:
    writer = make_writer(arguments.output, arguments.fps)
    field = open_field(arguments.field, arguments)
    if len(field.coordinates) != 2:
        raise UsageError(f"{field.path}: two coordinates are animated; rhoflux-plot density draws one against time")
    particles = read_paths(arguments.particles, arguments.count) if arguments.particles else None
    if particles:
        require_dims(particles, field.coordinates)
        require_times(particles, field)
        if particles.left_out:
            print(f"{particles.path}: {left_out_note(particles)}")
    order = np.argsort(field.time, kind="stable")
    titles = time_texts(field.time, field.naming)
    figure, image, dots, title = make_figure(field, arguments, largest=max(field.density(k).max() for k in order))
    try:
        with writer.saving(figure, arguments.output, arguments.dpi):
            for k in order:
                image.set_array(field.density(k).T.ravel())
                if particles:
                    dots.set_offsets(particles.at(field.time[k])[:, [c - 1 for c in field.coordinates]])
                title.set_text(titles[k])
                writer.grab_frame()
    except OSError as error:
        raise cannot_write(arguments.output, error) from None
    plt.close(figure)
    print(f"wrote {arguments.output}, {len(order)} frames")


def make_writer(output: str, fps: float) -> Any:
    kind = Path(output).suffix.lower()
    if kind == ".gif":
        return GifWriter(fps)
    if kind != ".mp4":
        raise UsageError(f"{output}: must end in .gif or .mp4")
    if not animation.FFMpegWriter.isAvailable():
        raise UsageError(f"{output}: needs ffmpeg, which is not installed; a .gif does not")
    return animation.FFMpegWriter(fps=fps)


def require_times(particles: Frames, field: Field) -> None:
    first, last = field.time.min(), field.time.max()
    if particles.t[0] > first or particles.t[-1] < last:
        raise UsageError(
            f"{particles.path}: its times {particles.t[0]:g} to {particles.t[-1]:g} do not cover those of "
            f"{field.path}, {first:g} to {last:g}"
        )


def make_figure(field: Field, arguments: argparse.Namespace, largest: float) -> tuple[Figure, Any, Any, Any]:
    """The figure, and what changes from frame to frame: the image of the density, the particles, the title."""
    x, y = field.axes
    shape = box_shape((x[0], x[-1]), (y[0], y[-1]))
    figure, axes = plt.subplots(figsize=(5.6, 4.6 * shape + 0.4), layout="constrained")
    image = draw_image(axes, x, y, field.density(0), **density_colours(arguments, largest))
    dots = axes.scatter([], [], s=6, color=PARTICLE_COLOUR, linewidths=0, zorder=3)
    title = axes.set_title(" ", fontsize=11)
    figure.colorbar(image, ax=axes, label=density_label(field), pad=0.01)
    axes.set(xlabel=field.names[0], ylabel=field.names[1], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return figure, image, dots, title
