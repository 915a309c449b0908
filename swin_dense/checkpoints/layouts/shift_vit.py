"""Where ShiftViT weights are published: the official classification code, whose linear layers are 1x1 convolutions."""

import re

from swin_dense.checkpoints.layouts.layout import Layout, Names, State, has
from swin_dense.checkpoints.layouts.names import Rows
from swin_dense.checkpoints.layouts.stages import (
    ignored_of_classifier,
    ignored_of_dense,
    is_of_own_classifier,
    missing_of_trunk,
    with_plain_final_norm,
)

_ROWS: Rows = (
    ('patch_embed.', 'patch_embed.'),
    ('layers.{s}.blocks.{b}.', 'layers.{s}.blocks.{b}.'),
    ('layers.{s}.downsample.', 'layers.{s}.downsample.'),
    ('norm{s}.', 'norm{s}.'),
    ('norm.', 'norm.'),
    ('head.', 'head.'),
)
_LINEAR = re.compile(r'layers\.\d+\.blocks\.\d+\.mlp\.fc[12]\.weight$')


def _from_convolutions(state: State) -> State:
    """(out, in, 1, 1) -> (out, in)."""
    return {
        name: value[..., 0, 0] if _LINEAR.match(name) and value.shape[2:] == (1, 1) else value
        for name, value in state.items()
    }


def _to_convolutions(state: State) -> State:
    return {
        name: value[..., None, None] if _LINEAR.match(name) and value.ndim == 2 else value
        for name, value in state.items()
    }


def _is_shift_vit(names: Names, _: Names) -> bool:
    return has(names, r'layers\.\d+\.blocks\.\d+\.mlp\.fc1\.') and not has(names, r'layers\.\d+\.blocks\.\d+\.attn\.')


SHIFT_VIT_LAYOUTS = (
    Layout(
        'ShiftViT, classifier of swin_dense',
        lambda names, beside: _is_shift_vit(names, beside) and is_of_own_classifier(names, beside),
        _ROWS,
        family='ShiftViT',
        arrange=lambda state: with_plain_final_norm(_from_convolutions(state)),
        why_ignored=ignored_of_classifier,
        why_missing=missing_of_trunk,
    ),
    Layout(
        'ShiftViT, dense',
        lambda names, beside: _is_shift_vit(names, beside) and has(names, r'norm\d+\.'),
        (*_ROWS, ('norm{s}.', 'norm{s}.')),
        family='ShiftViT',
        arrange=_from_convolutions,
        restore=dict,
        targets=('swin_dense',),
        why_ignored=ignored_of_dense,
    ),
    Layout(
        'ShiftViT, official classification',
        # with or without the end of a classifier: what is converted from a dense backbone has none
        lambda names, beside: _is_shift_vit(names, beside) and not has(names, r'norm\d+\.'),
        _ROWS,
        family='ShiftViT',
        arrange=_from_convolutions,
        restore=_to_convolutions,
        targets=('official',),
        why_ignored=ignored_of_classifier,
        why_missing=missing_of_trunk,
    ),
)
