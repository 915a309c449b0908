"""`--cfg-options`: a key that changes nothing is an error, not a surprise after a week of training."""

import inspect
import logging
import re
from collections.abc import Iterator
from typing import Any

from mmengine import registry as mmengine_registries
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import Runner

from swin_dense.engine.errors import closest

# what Runner and this package read from a config besides the arguments of Runner
_READ_ELSEWHERE = {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'default_scope',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
}
# read at the top of these before they are built
_READ_BESIDE = {'optim_wrapper': {'constructor', 'paramwise_cfg'}}
RUNNER_KEYS = (set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}) | _READ_ELSEWHERE


def merge_options(cfg: Config, options: dict[str, Any] | None) -> None:
    """Put `options` (dotted key -> value) into the config, each of them where something reads it."""
    refuse_misspelt_keys(cfg)
    for key in options or {}:
        _check(cfg, key)
    cfg.merge_from_dict(options or {})


def refuse_misspelt_keys(cfg: Config) -> None:
    """Refuse top-level keys that nothing reads and that look like one that is read: `trian_dataloader`."""
    for key in cfg:
        if key not in RUNNER_KEYS and (meant := closest(key, RUNNER_KEYS, count=1)) and _near(key, meant):
            raise ValueError(f'{cfg.filename}: nothing reads the key {key!r}.{meant}')


def _near(key: str, meant: str) -> bool:
    found = re.search(r"'(.*)'", meant)
    return found is not None and (sorted(found[1]) == sorted(key) or _one_edit(key, found[1]))


def _one_edit(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    short, long = sorted((left, right), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _check(cfg: Config, key: str) -> None:
    parts = key.split('.')
    if parts[0] not in RUNNER_KEYS:
        raise ValueError(_explain_unread(cfg, key))
    node: Any = cfg._cfg_dict
    for depth, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueError(
                    f'--cfg-options {key}: {".".join(parts[:depth])} is a list of {len(node)}, without {part!r}.'
                )
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        elif depth == 0 or (
            isinstance(node, dict) and part in arguments_of(node, cfg) | _READ_BESIDE.get(parts[0], set())
        ):
            return  # not in the config, but an argument of what is built there
        else:
            raise ValueError(_explain_unknown(cfg, key, node, parts[:depth]))


def _explain_unread(cfg: Config, key: str) -> str:
    top = key.split('.')[0]
    if top not in cfg:
        return f'--cfg-options {key}: there is no such key.{_similar(cfg, key)}'
    copies = [f'{place}' for place, value in _walk(cfg.to_dict()) if place != top and value == cfg.to_dict()[top]]
    places = [place for place in copies if place.split('.')[0] in RUNNER_KEYS]
    advice = f' It was copied into {", ".join(places[:4])}: set it there.' if places else ''
    return f'--cfg-options {key}: {top} is a variable of the config file that nothing reads afterwards.{advice}'


def _explain_unknown(cfg: Config, key: str, node: Any, above: list[str]) -> str:
    place = '.'.join(above)
    if not isinstance(node, dict):
        return f'--cfg-options {key}: {place} is {node!r}, which has no keys.'
    of = f'{place} (type={node["type"]!r})' if 'type' in node else place
    return f'--cfg-options {key}: {of} has no such key.{_similar(cfg, key)}'


def _similar(cfg: Config, key: str) -> str:
    known = {name: value for name, value in cfg.to_dict().items() if name in RUNNER_KEYS}
    paths = [place for place, _ in _walk(known)] + sorted(RUNNER_KEYS)
    return closest(key, paths) or closest(key.rsplit('.', 1)[-1], {path.rsplit('.', 1)[-1] for path in paths})


def _walk(values: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        yield f'{prefix}{key}', value
        yield from _walk(value, f'{prefix}{key}.')


def arguments_of(node: dict, cfg: Config) -> set[str]:
    """Give the arguments that a config node takes: those of its class, and the base classes that it passes them to."""
    kind = node.get('type')
    if kind is None:
        return set()
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        target = _find(kind) if isinstance(kind, str) else kind
    if target is None:
        return set()
    names: set[str] = set()
    for function in _constructors(target):
        parameters = inspect.signature(function).parameters.values()
        names |= {p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.kind is not p.VAR_POSITIONAL}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names | {'_delete_', '_scope_'}


def _constructors(target: Any) -> Iterator[Any]:
    if not inspect.isclass(target):
        yield target
        return
    for cls in target.__mro__:
        if '__init__' in vars(cls):
            yield vars(cls)['__init__']


def _find(kind: str) -> Any:
    roots = [value for value in vars(mmengine_registries).values() if isinstance(value, Registry)]
    logging.disable(logging.WARNING)  # mmengine warns of every registry that a scope does not extend
    try:
        return next(filter(None, (_look_up(root, kind) for root in roots)), None)
    finally:
        logging.disable(logging.NOTSET)


def _look_up(root: Registry, kind: str) -> Any:
    with root.switch_scope_and_registry(None) as registry:
        try:
            return registry.get(kind)
        except (ImportError, KeyError):
            return None
