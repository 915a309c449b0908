"""Weights from any known key layout to any that is written."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from swin_dense.checkpoints.layouts import LAYOUTS, Names, State, detect_layout
from swin_dense.checkpoints.layouts.values import COMPUTED


@dataclass(frozen=True)
class Conversion:
    """Attributes:

    tensors: in the layout that was asked for.
    source: title of the layout that was found.
    target: title of the layout that was written.
    left_out: names of the source that have no place in the target. Computed tables are not counted.
    """

    tensors: State
    source: str
    target: str
    left_out: tuple[str, ...]


def targets(family: str) -> tuple[str, ...]:
    """Names of the layouts that weights of a family are written in."""
    return tuple(dict.fromkeys(name for layout in LAYOUTS if layout.family == family for name in layout.targets))


def convert(tensors: Mapping[str, Tensor], target: str, *, beside: Names = ()) -> Conversion:
    """Write the weights of a backbone, or of a classifier with its head, in another layout.

    Args:
        tensors: by names without prefixes, as `wrappers.unwrap` gives them.
        target: 'swin_dense', 'official', 'timm', 'torchvision', 'huggingface', 'mmdet', 'mmseg', as `targets` has it.
        beside: other names in the file, of heads and necks.

    Raises:
        ValueError: the weights are of no known architecture, or are not written in this layout.
    """
    source = detect_layout(tensors, beside)
    if not source.family:
        raise ValueError(f'These weights are in no known layout; they begin with {", ".join(list(tensors)[:3])}.')
    layouts = [layout for layout in LAYOUTS if layout.family == source.family and target in layout.targets]
    if not layouts:
        known = ', '.join(targets(source.family))
        raise ValueError(f'Weights of {source.family} are written as {known}; got {target!r}.')
    own = source.read(dict(tensors))
    results = []
    for layout in layouts:
        written = layout.write(own)
        placed = {layout.own_name(name) for name in written}
        left_out = tuple(
            name for name in tensors if (ours := source.own_name(name)) not in placed and not COMPUTED.search(ours)
        )
        results.append(Conversion(written, source.title, layout.title, left_out))
    # a place may name backbones and classifiers differently
    return min(results, key=lambda result: len(result.left_out))
