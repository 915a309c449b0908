"""Pictures of effective receptive fields, on one scale, so that those of several models can be compared."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from swin_dense.comparison.effective_fields import SHARES, EffectiveField
from swin_dense.engine.atomic import replacing

_DECADES = 4  # below the largest value: what is less has the darkest colour
_COLOURS = 'cividis'  # dark blue to yellow: it looks the same to the colour-blind, and is ordered in grey


class SharedScale:
    """Colours and extent that all pictures of some fields have in common."""

    def __init__(self, fields: Sequence[EffectiveField]) -> None:
        self.highest = max(float(each.mass.max()) for each in fields)
        self.half_height, self.half_width = (max(each.mass.shape[axis] for each in fields) / 2 for axis in range(2))


def save_field(path: Path, field: EffectiveField, scale: SharedScale) -> None:
    """Write a PNG: shares of the gradient, logarithmically, around the centre, with the discs of 50 % and 90 %."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure  # without pyplot: no window system is asked for
    from matplotlib.patches import Circle

    lowest = scale.highest / 10**_DECADES
    height, width = field.mass.shape
    y, x = field.centre
    figure = Figure(figsize=(4.4, 3.4), dpi=100, layout='constrained')
    axes = figure.subplots()
    axes.set_facecolor('0.85')  # outside of the image
    shown = axes.imshow(
        np.maximum(field.mass, lowest),
        norm=LogNorm(lowest, scale.highest),
        cmap=_COLOURS,
        interpolation='nearest',
        extent=(-0.5 - x, width - 0.5 - x, height - 0.5 - y, -0.5 - y),
    )
    for share, style in zip(SHARES, ('-', '--'), strict=True):
        radius = field.radius(share)
        for colour, line_width in (('black', 2.5), ('white', 1.2)):  # to be seen on dark and on bright
            axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=colour, linewidth=line_width, linestyle=style))
    axes.set(
        xlim=(-scale.half_width, scale.half_width),
        ylim=(scale.half_height, -scale.half_height),
        xlabel='pixels from the centre',
        title=' '.join(f'{share:.0%}: {field.radius(share):.0f} px,' for share in SHARES).rstrip(','),
    )
    figure.colorbar(shown, ax=axes, label='share of the gradient, a pixel')
    written = BytesIO()
    figure.savefig(written, format='png', metadata={'Software': None})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(written.getvalue())
