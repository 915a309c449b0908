"""Necks and heads of a whole model, in the file of a backbone's weights."""

from swin_dense.checkpoints.layouts import State
from swin_dense.checkpoints.wrappers import Unwrapped

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


def _prefix(file: Unwrapped) -> str:
    plain, full = next(iter(file.full_names.items()))
    return full.replace(_COMPILED, '').removesuffix(plain)
