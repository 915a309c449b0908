"""What is around a backbone's weights in a file: training state, whole models, parallel and compiled modules."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

# entries of a training checkpoint that hold the weights; averaged ones only where there are no others
_ENTRIES = ('state_dict', 'model', 'module')
_AVERAGES = ('ema_state_dict', 'state_dict_ema', 'model_ema', 'ema')
_COMPILED = '_orig_mod.'
_BACKBONE = 'backbone.'
# `encoder.` is SimMIM's, `net.` ViTDet's
_PREFIXES = (_BACKBONE, 'encoder.', 'net.', 'module.', 'model.', 'ema.')
_EMBEDDING = re.compile(rf'({"|".join(map(re.escape, _PREFIXES))})+patch_embed\.')
_COUNTERS = ('steps', 'n_averaged')


@dataclass(frozen=True)
class Unwrapped:
    """Attributes:

    tensors: the backbone's, by name without prefixes.
    full_names: name without prefixes -> name in the file.
    beside: what is around the backbone, heads and necks, by name in the file.
    others: entries of the file with further weights, of which these are the average, or the other way round.
    """

    tensors: dict[str, Tensor]
    full_names: dict[str, str]
    beside: dict[str, Tensor] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def unwrap(content: Mapping[str, Any], source: str) -> Unwrapped:
    """Take a backbone's tensors out of all that is around them; raises ValueError if there are none."""
    tensors, others = _innermost(content, source)
    # a compiled module can be at any depth, and nothing else is named so
    names = {name: name.replace(_COMPILED, '') for name in tensors}
    while prefix := _prefix(names.values()):
        names = {name: plain.removeprefix(prefix) for name, plain in names.items() if plain.startswith(prefix)}
    full_names = {plain: name for name, plain in names.items()}
    if len(full_names) < len(names):
        twice = next(name for name, plain in names.items() if full_names[plain] != name)
        raise ValueError(f'{source} holds both {twice!r} and {full_names[names[twice]]!r}. Leave one of them out.')
    beside = {name: tensor for name, tensor in tensors.items() if name not in names}
    return Unwrapped({plain: tensors[name] for plain, name in full_names.items()}, full_names, beside, others)


def _innermost(content: Mapping[str, Any], source: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    others: list[str] = []
    outer: list[Any] = []
    while entries := [name for name in (*_ENTRIES, *_AVERAGES) if isinstance(content.get(name), Mapping)]:
        others += entries[1:]
        outer.append(content)
        content = content[entries[0]]
        if any(content is one for one in outer):
            raise ValueError(f'{source} holds itself under {entries[0]!r}: it is no checkpoint.')
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        held = ', '.join(str(name) for name in list(content)[:10]) or 'nothing'
        raise ValueError(
            f'{source} holds no weights: they are at the top or under {", ".join(map(repr, _ENTRIES))}; it has '
            f'{held}. If they are under another name, give that entry in place of the file.'
        )
    return tensors, tuple(others)


def _prefix(names: Collection[str]) -> str:
    """What is before the names of a backbone, if anything."""
    if any(name.startswith(_BACKBONE) for name in names):
        return _BACKBONE
    weights = [name for name in names if name not in _COUNTERS]
    for prefix in _PREFIXES:
        # of all, or of the part with a patch embedding: a decoder may be beside an encoder
        if weights and all(name.startswith(prefix) for name in weights):
            return prefix
        if any(name.startswith(prefix) and _EMBEDDING.match(name) for name in weights):
            return prefix
    return ''
