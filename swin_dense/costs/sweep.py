"""Costs against input size: what grows with the image's area, and what faster."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from swin_dense.layers.windows import Extent

PICTURES = ('.png', '.svg')


def parse_sides(text: str) -> tuple[int, ...]:
    """Sides of square images from '224,448,896'.

    Raises:
        ValueError: fewer than two different ones, or what is no positive number.
    """
    words = [word.strip() for word in text.split(',')]
    if not all(word.isdigit() and int(word) > 0 for word in words) or len(set(words)) < 2:
        raise ValueError(f'--sweep is two or more sides of square images in pixels, as 224,448,896; got {text!r}.')
    return tuple(sorted({int(word) for word in words}))


def save_plot(path: Path, curves: Mapping[str, Sequence[tuple[Extent, int]]]) -> None:
    """Multiply-adds against the image's area: in all, where a line is linear, and for each pixel, where a flat one is.

    Args:
        path: of the picture; its suffix is one of `PICTURES`.
        curves: name of a model -> (image size, multiply-adds), by size.
    """
    from matplotlib.figure import Figure  # without pyplot: no window system is asked for

    figure = Figure(figsize=(8, 3.6), dpi=90, layout='constrained')
    in_all, per_pixel = figure.subplots(1, 2)
    for number, (name, points) in enumerate(curves.items()):
        style = {'marker': 'osv^D'[number % 5], 'linestyle': ('-', '--', '-.', ':')[number % 4], 'label': name}
        areas = [prod(size[-2:]) for size, _ in points]
        macs = [macs for _, macs in points]
        in_all.plot([area / 1e6 for area in areas], [count / 1e9 for count in macs], **style)
        each = [count / area / 1e3 for count, area in zip(macs, areas, strict=True)]
        per_pixel.plot([area / 1e6 for area in areas], each, **style)
    in_all.set_title('G multiply-adds')
    per_pixel.set_title('k multiply-adds for each pixel')
    for axes in (in_all, per_pixel):
        axes.set(xlabel='megapixels', xlim=(0, None), ylim=(0, None))
        axes.grid(alpha=0.3)
    in_all.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={'Date': None} if path.suffix == '.svg' else None)
