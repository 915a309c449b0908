"""Necks and heads of a whole model, in the file of a backbone's weights."""

from collections.abc import Mapping
from typing import Any

from swin_dense.checkpoints.layouts import State
from swin_dense.checkpoints.wrappers import Unwrapped

_COMPILED = '_orig_mod.'


def is_whole_model(file: Unwrapped) -> bool:
    """Whether necks and heads are beside a part `backbone`, as OpenMMLab's models have them."""
    return bool(file.beside) and _prefix(file).endswith('backbone.')


def around_backbone(content: Mapping[str, Any], file: Unwrapped) -> State:
    """The tensors that are beside the backbone, by their names in the model: without what is around the model."""
    if not file.beside:
        return {}
    tensors = _entry_with(content, file.beside[0])
    around, part, _ = _prefix(file).partition('backbone.')
    outer = around if part else ''
    return {name.replace(_COMPILED, '').removeprefix(outer): tensors[name] for name in file.beside}


def _prefix(file: Unwrapped) -> str:
    plain, full = next(iter(file.full_names.items()))
    return full.replace(_COMPILED, '').removesuffix(plain)


def _entry_with(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    while name not in content:
        content = next(value for value in content.values() if isinstance(value, Mapping) and _has(value, name))
    return content


def _has(content: Mapping[str, Any], name: str) -> bool:
    return name in content or any(isinstance(value, Mapping) and _has(value, name) for value in content.values())
