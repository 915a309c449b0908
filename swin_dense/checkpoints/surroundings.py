"""Necks and heads of a whole model, in the file of a backbone's weights."""

from collections.abc import Collection

from swin_dense.checkpoints.inflation import with_final_norm
from swin_dense.checkpoints.layouts import State, detect_layout, is_of_video
from swin_dense.checkpoints.layouts.values import without_computed
from swin_dense.checkpoints.wrappers import Unwrapped, unwrap

_COMPILED = '_orig_mod.'


def is_whole_model(file: Unwrapped) -> bool:
    """Whether necks and heads are beside a part `backbone`, as OpenMMLab's models have them."""
    return bool(file.beside) and _prefix(file).endswith('backbone.')


def around_backbone(file: Unwrapped) -> State:
    """The tensors that are beside the backbone, by their names in the model: without what is around the model."""
    if not file.beside:
        return {}
    around, part, _ = _prefix(file).partition('backbone.')
    outer = around if part else ''
    return {name.replace(_COMPILED, '').removeprefix(outer): tensor for name, tensor in file.beside.items()}


def with_own_names(state: State, wanted: Collection[str]) -> tuple[State, str]:
    """A whole model's weights with this package's names for those of its backbone, and the title of their layout.

    Files of the official detectors and segmentors have computed tables, too, and those of mmdet and mmseg other names.
    What fits the `wanted` names better as it is, or has no backbone that is known, comes back as it is, with ''.
    """
    if state.keys() == set(wanted) or not any('backbone.' in name for name in state):
        return state, ''
    file = unwrap(state, 'the checkpoint')
    layout = detect_layout(file.tensors, file.beside)
    if not layout.family or not is_whole_model(file):
        return state, ''
    own = without_computed(layout.read(file.tensors))
    if is_of_video(own):
        own = with_final_norm(own, {name.removeprefix('backbone.') for name in wanted})
    whole = {**{f'backbone.{name}': tensor for name, tensor in own.items()}, **around_backbone(file)}
    if whole.keys() == state.keys() or len(whole.keys() & wanted) < len(state.keys() & wanted):
        return state, ''
    return whole, layout.title


def _prefix(file: Unwrapped) -> str:
    plain, full = next(iter(file.full_names.items()))
    return full.replace(_COMPILED, '').removesuffix(plain)
