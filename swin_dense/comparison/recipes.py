"""One recipe for all: what two resolved configs do differently apart from their backbone.

A comparison of backbones says something about backbones only where everything else is equal: schedule, optimiser,
augmentation, image sizes, heads, losses, test settings. Files do not matter here, values do: two configs that resolve
to the same values have one recipe (swin_dense/engine/fingerprints.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = '(none)'
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Difference:
    """A key with other values in some of the configs.

    Attributes:
        key: dotted path.
        values: of each config in the order given; ABSENT where there is none.
        allowed: by `--allow`.
    """

    key: str
    values: tuple[Any, ...]
    allowed: bool


def differences(recipes: Sequence[Mapping[str, Any]], allowed: Sequence[str] = ()) -> list[Difference]:
    """What the recipes do not have in common, by key; a key of `allowed` stands for all below it, too.

    Parts of other types, and lists of other parts, are one difference each, not one for every value in them.
    """
    return [Difference(key, values, _is_below(key, allowed)) for key, values in _compared(list(recipes), '')]


def refuse_other_recipes(found: Iterable[Difference], names: Sequence[str]) -> None:
    """Raise ValueError where a difference is not allowed, with every key and the value of each config.

    Args:
        names: of the configs, in the order of the values.
    """
    refused = [each for each in found if not each.allowed]
    if refused:
        lines = [line for each in refused for line in difference_lines(each, names)]
        options = ' '.join(dict.fromkeys(each.key for each in refused))
        raise ValueError(
            'these configs differ in more than their backbone, so that their results would not be those of backbones:\n'
            + '\n'.join(lines)
            + f'\nGive all of them one recipe, or say that it is meant: --allow {options}'
        )


def difference_lines(difference: Difference, names: Sequence[str]) -> list[str]:
    """The key, then for each value the configs that have it."""
    by_value: dict[str, list[str]] = {}
    for name, value in zip(names, difference.values, strict=True):
        by_value.setdefault(_shown(value), []).append(name)
    return [f'  {difference.key}', *(f'    {value}: {", ".join(which)}' for value, which in by_value.items())]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value == ABSENT else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f'{text[: _LONGEST_SHOWN - 3]}...'


def unused_allowances(found: Iterable[Difference], allowed: Sequence[str]) -> list[str]:
    """Keys of `--allow` that no difference is below: misspelt, or not needed any more."""
    keys = [each.key for each in found]
    return [name for name in allowed if not any(_is_below(key, [name]) for key in keys)]


def _compared(nodes: list[Any], key: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    first = nodes[0]
    if all(isinstance(node, dict) for node in nodes) and _alike(nodes):
        for name in sorted({name for node in nodes for name in node}):
            inner = [node.get(name, ABSENT) for node in nodes]
            yield from _compared(inner, f'{key}.{name}' if key else name)
    elif all(isinstance(node, list) and len(node) == len(first) for node in nodes) and _holds_parts(first):
        if all(_alike(items) for items in zip(*nodes, strict=True)):
            for number, items in enumerate(zip(*nodes, strict=True)):
                yield from _compared(list(items), f'{key}.{number}')
        else:
            yield key, tuple(nodes)
    elif any(node != first or type(node) is not type(first) for node in nodes):
        yield key, tuple(nodes)


def _alike(nodes: Sequence[Any]) -> bool:
    """Whether what is in them can be compared key by key: dicts that build one thing, or no dicts at all."""
    kinds = {node.get('type') if isinstance(node, dict) else type(node) for node in nodes}
    return len(kinds) == 1


def _holds_parts(values: list) -> bool:
    return any(isinstance(value, (dict, list)) for value in values)


def _is_below(key: str, names: Sequence[str]) -> bool:
    return any(key == name or key.startswith(f'{name}.') for name in names)
