"""What is around a backbone's weights in a file: training state, whole models, parallel and compiled modules."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

# entries of a training checkpoint that hold the weights
_ENTRIES = ('state_dict', 'model')
_COMPILED = '_orig_mod.'
_BACKBONE = 'backbone.'


@dataclass(frozen=True)
class Unwrapped:
    """Attributes:

    tensors: the backbone's, by name without prefixes.
    full_names: name without prefixes -> name in the file.
    beside: names in the file of what is around the backbone, heads and necks.
    """

    tensors: dict[str, Tensor]
    full_names: dict[str, str]
    beside: tuple[str, ...]


def unwrap(content: Mapping[str, Any], source: str) -> Unwrapped:
    """Take a backbone's tensors out of all that is around them; raises ValueError if there are none."""
    tensors = _innermost(content, source)
    # a compiled module can be at any depth, and nothing else is named so
    names = {name: name.replace(_COMPILED, '') for name in tensors}
    while prefix := _common_prefix(names.values()):
        names = {name: plain.removeprefix(prefix) for name, plain in names.items() if plain.startswith(prefix)}
    full_names = {plain: name for name, plain in names.items()}
    if len(full_names) < len(names):
        twice = next(name for name, plain in names.items() if full_names[plain] != name)
        raise ValueError(f'{source} holds both {twice!r} and {full_names[names[twice]]!r}. Leave one of them out.')
    beside = tuple(name for name in tensors if name not in names)
    return Unwrapped({plain: tensors[name] for plain, name in full_names.items()}, full_names, beside)


def _innermost(content: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    while entry := next((name for name in _ENTRIES if isinstance(content.get(name), Mapping)), None):
        content = content[entry]
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        entries = ', '.join(str(name) for name in list(content)[:10]) or 'nothing'
        raise ValueError(
            f'{source} holds no weights: they are at the top or under {" or ".join(map(repr, _ENTRIES))}; it has '
            f'{entries}. If they are under another name, give that entry in place of the file.'
        )
    return tensors


def _common_prefix(names: Collection[str]) -> str:
    if any(name.startswith(_BACKBONE) for name in names):
        return _BACKBONE
    return next((prefix for prefix in ('module.', 'model.') if all(name.startswith(prefix) for name in names)), '')
