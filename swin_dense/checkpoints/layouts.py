"""Key layouts: how the weights of one architecture are named in different places.

A layout is recognised by its names, and a pure function turns its state dict into one with this package's names. What
it has more or less than a dense backbone is named here too, with the reason; anything else is the file's fault.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import Tensor

State = dict[str, Tensor]
Names = Collection[str]


@dataclass(frozen=True)
class Layout:
    """One way to name weights.

    Attributes:
        title: for reports.
        signs: patterns that each match a name of such a state dict.
        convert: state dict in this layout -> state dict in this package's names; tensors stay what they are, unless the
            layout stores them differently.
        why_ignored: (converted name, own names, converted names) -> why a backbone does without it, or ''.
        why_missing: own name -> why the layout does not have it, so that its initial value is right, or ''.
    """

    title: str
    signs: tuple[str, ...]
    convert: Callable[[State], State]
    why_ignored: Callable[[str, Names, Names], str]
    why_missing: Callable[[str], str]


def detect_layout(names: Names) -> Layout:
    """Recognise the layout of a state dict; names that no layout knows are taken for a backbone's own."""
    return next(
        layout for layout in LAYOUTS if all(any(re.match(sign, name) for name in names) for sign in layout.signs)
    )


def from_own_names(state: State) -> State:
    """What this package saved itself, of any backbone."""
    return dict(state)


def from_swin_dense(state: State) -> State:
    """Official detection and segmentation code, whose names this package has: patch_embed, layers, norm0..norm3."""
    return dict(state)


def from_swin_classification(state: State) -> State:
    """Official classification code: the same names, with one `norm` after the last stage and a `head`."""
    return dict(state)


def _ignored_of_swin(name: str, own: Names, present: Names) -> str:
    """Tables that are computed, and what belongs to levels that a backbone does not return."""
    if re.search(r'(^|\.)(relative_position_index|attn_mask)$', name):
        return 'computed, not loaded'
    last = max((int(found[1]) for key in own if (found := re.match(r'layers\.(\d+)\.', key))), default=-1)
    if found := re.match(r'layers\.(\d+)\.(downsample\.)?', name):
        stage, merging = int(found[1]), found[2] is not None
        if stage > last or (stage == last and merging and f'layers.{last + 1}.blocks.0.norm1.weight' in present):
            return f'stages after layers.{last} are not built for these out_indices'
    if (
        found := re.match(r'norm(\d+)\.(weight|bias)$', name)
    ) and f'layers.{found[1]}.blocks.0.norm1.weight' in present:
        return 'output norm of a level that is not in out_indices'
    return ''


def _ignored_of_swin_classification(name: str, own: Names, present: Names) -> str:
    if re.match(r'head\.', name):
        return 'classification head'
    if re.match(r'norm\.', name):
        return 'norm before the classification head, which no output level has'
    return _ignored_of_swin(name, own, present)


def _missing_of_swin_classification(name: str) -> str:
    return 'output norms, which classifiers do not have' if re.match(r'norm\d+\.', name) else ''


def _nothing(*_: object) -> str:
    return ''


_SWIN = r'layers\.\d+\.blocks\.\d+\.attn\.'

# the first that fits is taken
LAYOUTS = (
    Layout('Swin, dense', (_SWIN, r'norm\d+\.weight$'), from_swin_dense, _ignored_of_swin, _nothing),
    Layout(
        'Swin, official classification',
        (_SWIN, r'norm\.weight$'),
        from_swin_classification,
        _ignored_of_swin_classification,
        _missing_of_swin_classification,
    ),
    Layout("the backbone's own names", (), from_own_names, _nothing, _nothing),
)
