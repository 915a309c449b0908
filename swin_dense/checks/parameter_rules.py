"""Rules of `optim_wrapper.paramwise_cfg`: those that nothing reads, and those for no parameter of the model.

Each constructor reads the dict key by key, so no signature says what is read; its source does.
"""

import functools
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Finding, Level
from swin_dense.engine.config_places import look_at
from swin_dense.engine.config_types import find_type, nearest, why_not_found
from swin_dense.engine.errors import closest

_DEFAULT = 'DefaultOptimWrapperConstructor'
_KEY = 'optim_wrapper.paramwise_cfg'
_LIBRARIES = ('mmengine', 'mmdet', 'mmseg', 'swin_dense')  # whose constructors read as below
_OF_A_NAME = frozenset({'lr_mult', 'decay_mult'})  # of mmengine's custom_keys
_RULES = r'(?:\w*paramwise_cfg|rules)'
_READ = re.compile(rf"""{_RULES}(?:\.(?:get|pop)\(\s*|\[)['"](\w+)['"]|['"](\w+)['"]\s+in\s+(?:self\.)?{_RULES}\b""")


def unread_rules(cfg: Config) -> Iterator[Finding]:
    """Keys of `paramwise_cfg` that the constructor of the optimiser does not read."""
    wrapper = cfg.to_dict().get('optim_wrapper')
    if not isinstance(wrapper, dict):
        return
    kind, scope = wrapper.get('constructor') or _DEFAULT, cfg.get('default_scope')
    constructor = find_type(kind, scope, 'OPTIM_WRAPPER_CONSTRUCTORS')
    if constructor is None:
        why = why_not_found(str(kind), scope, 'OPTIM_WRAPPER_CONSTRUCTORS').strip()
        yield _finding(
            'error', 'unknown-type', 'optim_wrapper.constructor', kind,
            f'{kind!r} is not in the registry OPTIM_WRAPPER_CONSTRUCTORS (default_scope={scope!r}).',
            why or "A class of your own has to be imported first: custom_imports=dict(imports=['its.module']).",
        )  # fmt: skip
        return
    rules = wrapper.get('paramwise_cfg')
    if not isinstance(rules, dict) or not inspect.isclass(constructor):
        return
    read = _read_by(constructor)  # type: ignore[arg-type]
    is_sure = constructor.__module__.startswith(_LIBRARIES)
    for name in rules.keys() - read - {'_delete_'}:
        said = nearest(name, read).strip()
        if is_sure or said:
            yield _finding(
                'error' if is_sure else 'warning', 'unknown-key', f'{_KEY}.{name}', rules[name],
                f'{constructor.__name__} does not read {name!r}.',
                f'{said} It reads: {", ".join(sorted(read))}.'.strip(),
            )  # fmt: skip
    if 'custom_keys' in read:
        yield from _unread_of_names(rules.get('custom_keys'), wrapper, scope)


def unmatched_rules(cfg: Config, names: Iterable[str]) -> Iterator[Finding]:
    """Rules for parameters whose names have a piece that is in none of `names`, those of the model's.

    Recipes for mmengine's constructor name what only some backbones have: that is said where the name looks like one
    that is there. ParameterGroups refuses any such rule.
    """
    wrapper = cfg.to_dict().get('optim_wrapper')
    rules = wrapper.get('paramwise_cfg') if isinstance(wrapper, dict) else None
    if not isinstance(rules, dict):
        return
    names = list(names)
    parts = {part for name in names for part in name.split('.')}
    for kind, level in (('custom_keys', 'warning'), ('lr_mult', 'error'), ('no_decay', 'error')):
        pieces = rules.get(kind)
        for piece in pieces if isinstance(pieces, (dict, list, tuple)) else ():
            if not isinstance(piece, str) or any(piece in name for name in names):
                continue
            said = closest(piece, parts)
            if said or level == 'error':
                yield _finding(
                    'error' if level == 'error' else 'warning', 'rule-without-parameters', f'{_KEY}.{kind}', piece,
                    f'{piece!r} is part of the name of none of the {len(names)} parameters of the model: the rule '
                    'changes nothing.',
                    f'{said} tools/describe.py and model.named_parameters() tell the names.'.strip(),
                )  # fmt: skip


def _unread_of_names(custom: Any, wrapper: dict[str, Any], scope: str | None) -> Iterator[Finding]:
    """What stands for one name is put into the optimiser's group besides, so that its arguments count there."""
    optimizer = wrapper.get('optimizer')
    node = look_at('optim_wrapper.optimizer', optimizer, scope) if isinstance(optimizer, dict) else None
    if not isinstance(custom, dict) or node is None or node.arguments is None or node.arguments.is_open:
        return
    read = _OF_A_NAME | (node.arguments.names - {'type', 'params', '_delete_', '_scope_'})
    for piece, rule in custom.items():
        for name in rule.keys() - read if isinstance(rule, dict) else ():
            yield _finding(
                'error', 'unknown-key', f'{_KEY}.custom_keys.{piece}.{name}', rule[name],
                f'nothing reads {name!r} of a rule of custom_keys.',
                f'{nearest(name, read).strip()} It takes lr_mult, decay_mult and arguments of the optimiser.'.strip(),
            )  # fmt: skip


@functools.cache
def _read_by(constructor: type) -> frozenset[str]:
    read: set[str] = set()
    for cls in constructor.__mro__[:-1]:
        try:
            source = inspect.getsource(cls)
        except (OSError, TypeError):
            continue
        read |= {word for found in _READ.findall(source) for word in found if word}
    return frozenset(read)


def _finding(level: Level, rule: str, key: str, value: Any, message: str, remedy: str) -> Finding:
    return Finding(level=level, rule=rule, key=key, value=value, message=message, remedy=remedy)
