"""One recipe for all: what two resolved configs do differently apart from their backbone.

A comparison of backbones says something about backbones only where everything else is equal: schedule, optimiser,
augmentation, image sizes, heads, losses, test settings. Files do not matter here, values do: two configs that resolve
to the same values have one recipe. Which data was used is told by its content (data_prints.py), not by where it lies.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mmengine.config import Config

from swin_dense.engine.config_options import RUNNER_KEYS
from swin_dense.engine.settings import recipe, recipe_hash

# what a backbone decides: itself, its weights, and the channels it hands on
OF_THE_BACKBONE = (
    'model.backbone',
    'model.pretrained',
    'model.init_cfg',
    'model.neck.in_channels',
    'model.neck.*.in_channels',
    'model.decode_head.in_channels',
    'model.auxiliary_head.in_channels',
    'model.auxiliary_head.*.in_channels',
)
# how and where a run is done and what it shows: none of it changes a result
_WITHOUT_EFFECT = (
    '*_dataloader.num_workers',
    '*_dataloader.persistent_workers',
    '*_dataloader.prefetch_factor',
    '*_dataloader.pin_memory',
    'randomness.seed',
    'default_hooks.logger',
    'default_hooks.timer',
    'default_hooks.visualization',
    'default_hooks.checkpoint',
    'log_processor',
    'visualizer',
    'vis_backends',
    'train_cfg.val_interval',
    'train_cfg.val_begin',
    'val_dataloader',
    'val_evaluator',
    'val_cfg',
    'runner_type',
    'compile',
)
# where data lies; its content is compared instead
_PLACES = ('data_root', 'ann_file', 'data_prefix', 'img_dir', 'indices')
_PICTURES = ('swin_dense.OverlayHook', 'DetVisualizationHook', 'SegVisualizationHook')


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


def shared_recipe(cfg: Config) -> dict[str, Any]:
    """What all backbones of a comparison have to have in common, as plain nested values."""
    values = recipe(cfg, RUNNER_KEYS)
    hooks = [hook for hook in values.pop('custom_hooks', None) or () if hook.get('type') not in _PICTURES]
    return _pruned({**values, **({'custom_hooks': hooks} if hooks else {})}, '')


def recipe_fingerprint(cfg: Config) -> str:
    """Identify the recipe apart from the backbone: equal for configs that differ in their backbone alone."""
    return recipe_hash(shared_recipe(cfg))


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


def _pruned(node: Any, key: str) -> Any:
    """The node without what a recipe is not made of, and without keys that say None: those are as if left out."""
    if _is_left_out(key):
        return None
    if isinstance(node, dict):
        inner = {name: _pruned(value, f'{key}.{name}' if key else str(name)) for name, value in node.items()}
        return {name: value for name, value in inner.items() if value is not None}
    if isinstance(node, (list, tuple)):
        return [_pruned(item, f'{key}.{number}') for number, item in enumerate(node)]
    return node


def _is_left_out(key: str) -> bool:
    parts = key.split('.')
    if parts[0].endswith('_dataloader') and set(parts) & set(_PLACES):
        return True
    return any(fnmatchcase(key, pattern) for pattern in (*OF_THE_BACKBONE, *_WITHOUT_EFFECT))


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
