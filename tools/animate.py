#!/usr/bin/env python3
"""Animate the density of `rhoflux field`, with the particles of `rhoflux transport` moving over it.

    rhoflux field best.h5 --times 0:4:41 --grid 160,160 --output field.h5
    rhoflux transport best.h5 --from 0 --to 4 --count 300 --frames 81 --output paths.h5
    python3 tools/animate.py field.h5 --particles paths.h5 --output movie.gif

One frame for each time of the field. A .gif needs pillow, an .mp4 needs ffmpeg. Needs numpy, h5py and matplotlib.
"""

from pathlib import Path

import numpy as np
from matplotlib import animation
from rhoflux_files import read_paths
from rhoflux_plots import (
    PARTICLE_COLOUR,
    add_field_options,
    add_scale_option,
    box_shape,
    colour_scale,
    density_label,
    draw_image,
    fail,
    make_parser,
    open_field,
    plt,
    positive,
    require_dims,
    run,
    time_text,
)

WRITERS = {".gif": "pillow", ".mp4": "ffmpeg"}


def parse_arguments():
    parser = make_parser(__doc__)
    parser.add_argument("field", help="output of rhoflux field")
    parser.add_argument("--particles", help="output of rhoflux transport")
    parser.add_argument("--count", type=positive(int), default=300, help="most particles drawn (default: 300)")
    add_field_options(parser)
    add_scale_option(parser)
    parser.add_argument("--fps", type=positive(float), default=12, help="frames a second (default: 12)")
    parser.add_argument("--dpi", type=positive(int), default=80, help="dots per inch (default: 80)")
    parser.add_argument("--output", default="movie.gif", help=".gif or .mp4 to write (default: movie.gif)")
    return parser.parse_args()


def make_writer(output, fps):
    kind = Path(output).suffix.lower()
    if kind not in WRITERS:
        fail(f"{output}: must end in {' or '.join(WRITERS)}")
    if not animation.writers.is_available(WRITERS[kind]):
        fail(f"{output}: needs {WRITERS[kind]}, which is not installed; {'an .mp4' if kind == '.gif' else 'a .gif'} does not")
    return animation.writers[WRITERS[kind]](fps=fps)


def main():
    arguments = parse_arguments()
    writer = make_writer(arguments.output, arguments.fps)
    field = open_field(arguments)
    if len(field.coordinates) != 2:
        fail(f"{field.path}: two coordinates are animated; plot_density.py draws one against time")
    particles = read_paths(arguments.particles, arguments.count) if arguments.particles else None
    columns = [c - 1 for c in field.coordinates]
    if particles:
        require_dims(particles, field.coordinates)
        if particles.t[0] > field.time.min() or particles.t[-1] < field.time.max():
            fail(f"{particles.path}: its times {particles.t[0]:g} to {particles.t[-1]:g} do not cover those of "
                 f"{field.path}, {field.time.min():g} to {field.time.max():g}")  # fmt: skip

    x, y = field.axes
    order = np.argsort(field.time, kind="stable")
    largest = max(field.density(k).max() for k in order)
    shape = box_shape((x[0], x[-1]), (y[0], y[-1]))
    figure, axes = plt.subplots(figsize=(5.6, 4.6 * shape + 0.4), layout="constrained")
    image = draw_image(axes, x, y, field.density(order[0]), cmap=arguments.cmap, norm=colour_scale(arguments.scale, largest))
    dots = axes.scatter([], [], s=6, color=PARTICLE_COLOUR, linewidths=0, zorder=3)
    title = axes.set_title(" ", fontsize=11)
    figure.colorbar(image, ax=axes, label=density_label(field.note), pad=0.01)
    axes.set(xlabel=field.names[0], ylabel=field.names[1], xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    try:
        with writer.saving(figure, arguments.output, arguments.dpi):
            for k in order:
                image.set_array(field.density(k).T.ravel())
                if particles:
                    dots.set_offsets(particles.at(field.time[k])[:, columns])
                title.set_text(time_text(field.time[k], field.unit))
                writer.grab_frame()
    except OSError as error:
        fail(f"{arguments.output}: cannot be written: {error.strerror or error}")
    print(f"wrote {arguments.output}, {len(order)} frames")


if __name__ == "__main__":
    run(main)
