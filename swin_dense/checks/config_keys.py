"""Keys of a config that nothing reads, types that do not exist, arguments that are missing, at any depth."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Case, Depth, Finding, Level
from swin_dense.checks.plain_keys import unread_plain_keys
from swin_dense.engine.config_options import misspelt_keys
from swin_dense.engine.config_places import RUNNER_KEYS, Node, look_at
from swin_dense.engine.config_types import nearest, why_not_found

# what mmdet 2 and mmseg 0 read, and where that is now
OLD_KEYS = {
    'checkpoint_config': 'default_hooks.checkpoint',
    'data': 'train_dataloader, val_dataloader and test_dataloader',
    'evaluation': 'val_evaluator and train_cfg.val_interval',
    'log_config': 'default_hooks.logger and visualizer.vis_backends',
    'lr_config': 'param_scheduler',
    'optimizer_config': 'optim_wrapper.clip_grad',
}
_OF_SPLIT = {
    'train': ('train_', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr'),
    'val': ('val_',),
    'test': ('test_',),
}
_FOREIGN = ('Albu',)  # names of another library are inside
_LIKELY = 0.85  # similarity from which a word for something that takes any word is taken for a slip


def check_config_keys(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Every key of the parts that `splits` need, against the signatures of what will be built."""
    file = str(cfg.filename or '')
    yield from _failed_imports(cfg, file)
    yield from _top_level(cfg, file)
    values = cfg.to_dict()
    left_out = tuple(name for split, names in _OF_SPLIT.items() if split not in splits for name in names)
    faults: dict[tuple, list[Finding]] = defaultdict(list)
    seen: list[Any] = []
    for top in sorted(values.keys() & RUNNER_KEYS, key=list(values).index):
        value = values[top]
        # the loader of the test set is often that of the val set
        if top.startswith(left_out) or (top.startswith('test_') and value in seen):
            continue
        seen.append(value)
        for group, finding in _walk(top, value, cfg.get('default_scope')):
            faults[(finding.level, finding.rule, *group)].append(finding)
    for findings in faults.values():
        yield _joined(findings, file)


def _failed_imports(cfg: Config, file: str) -> Iterator[Finding]:
    imports = (cfg.get('custom_imports') or {}).get('imports') or ()
    for name in [imports] if isinstance(imports, str) else imports:
        try:
            import_module(name)
        except Exception as error:  # whatever the module does while it is imported
            yield Finding(
                level='error', rule='failed-import', file=file, key='custom_imports.imports', value=name,
                message=f'{name} cannot be imported: {type(error).__name__}: {error}. What it registers is not there.',
                remedy='Mend or install it, or put its folder into PYTHONPATH; those of the config and the shell are '
                'looked into.',
            )  # fmt: skip


def _top_level(cfg: Config, file: str) -> Iterator[Finding]:
    misspelt = dict(misspelt_keys(cfg))
    for key, meant in misspelt.items():
        yield Finding(
            level='error', rule='unknown-key', file=file, key=key,
            message=f'nothing reads the key {key!r}.', remedy=f'Did you mean {meant!r}? Rename it.',
        )  # fmt: skip
    for key in OLD_KEYS.keys() & cfg.keys() - misspelt.keys():
        if isinstance(cfg[key], dict):
            yield Finding(
                level='error', rule='old-key', file=file, key=key,
                message=f'{key!r} is of mmdet 2 and mmseg 0; nothing reads it any more.',
                remedy=f'Write it as {OLD_KEYS[key]}.',
            )  # fmt: skip


_Fault = tuple[tuple[Any, ...], Finding]


def _walk(key: str, value: Any, scope: str | None) -> Iterator[_Fault]:
    if isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk(f'{key}.{number}', item, scope)
    if not isinstance(value, dict):
        return
    node = look_at(key, value, scope)
    yield from _faults_of(key, value, node, scope)
    if str(node.kind).rsplit('.', 1)[-1] in _FOREIGN:
        return
    for name, inner in value.items():
        yield from _walk(f'{key}.{name}', inner, value.get('_scope_', scope))
    if key == 'model' or node.place.registry == 'DATASETS':
        yield from (((each.key,), each) for each in unread_plain_keys(key, value, scope))


def _faults_of(key: str, value: dict[str, Any], node: Node, scope: str | None) -> Iterator[_Fault]:
    if node.kind is not None and node.target is None and not _is_own_word(node):
        fault = _unknown_type(key, node, scope)
        yield (fault.message,), fault
    elif node.kind is None and node.place.is_whole and value and 'metrics' not in value:
        yield (), _finding(
            'error', 'missing-type', key, None,
            f'{key} says no type.' + (' Its keys are ' + ', '.join(map(repr, value)) + '.'),
            f"Say what it is: {key}.type='...'. A `_delete_=True` takes the type of the base away, too.",
        )  # fmt: skip
    if node.arguments is None:
        return
    for name in value:
        if name not in node.arguments.names:
            unknown = _unknown_key(key, name, value[name], node)
            if unknown:
                yield (str(node.kind), name), unknown
    if node.place.is_whole:
        for name in sorted(node.arguments.required - value.keys()):
            yield (str(node.kind), name), _finding(
                'error', 'missing-argument', f'{key}.{name}', None,
                f'{_named(key, node)} needs {name!r}, which has no default.', f'Add {name}=...',
            )  # fmt: skip


def _is_own_word(node: Node) -> bool:
    """Whether a type is of a table that some class keeps for itself: no registry has such names."""
    return not node.place.registry and isinstance(node.kind, str) and node.kind == node.kind.lower()


def _unknown_type(key: str, node: Node, scope: str | None) -> Finding:
    registry = node.place.registry
    what = f'is not in the registry {registry}' if registry else 'is in no registry'
    level: Level = 'error' if registry or key.startswith('model.') else 'warning'
    why = why_not_found(str(node.kind), scope, registry)
    return _finding(
        level, 'unknown-type', f'{key}.type', node.kind,
        f'{node.kind!r} {what} (default_scope={scope!r}).{why if "cannot be imported" in why else ""}',
        (why if 'cannot be imported' not in why else ' Install or mend it.').strip()
        or "A class of your own has to be imported first: custom_imports=dict(imports=['its.module']).",
    )  # fmt: skip


def _unknown_key(key: str, name: str, value: Any, node: Node) -> Finding | None:
    assert node.arguments is not None
    names = node.arguments.names - {'_delete_', '_scope_'} - node.place.supplied
    said = nearest(name, names)
    if node.arguments.is_open:
        if not difflib.get_close_matches(name, names, n=1, cutoff=_LIKELY):
            return None
        return _finding(
            'warning', 'unknown-key', f'{key}.{name}', value,
            f'{_named(key, node)} has no argument {name!r} of its own, and hands it on.', said.strip(),
        )  # fmt: skip
    return _finding(
        'error', 'unknown-key', f'{key}.{name}', value, f'{_named(key, node)} does not take {name!r}.',
        f'{said} It takes: {", ".join(sorted(names - {"type"}))}.'.strip(),
    )  # fmt: skip


def _named(key: str, node: Node) -> str:
    return key if node.kind is None else getattr(node.target, '__name__', str(node.kind))


def _finding(level: Level, rule: str, key: str, value: Any, message: str, remedy: str) -> Finding:
    return Finding(level=level, rule=rule, key=key, value=value, message=message, remedy=remedy)


def _joined(findings: Sequence[Finding], file: str) -> Finding:
    """One finding of equal ones at several places."""
    first = findings[0]
    cases = [Case(file, each.key, each.value, each.remedy) for each in findings] if len(findings) > 1 else []
    return Finding(
        level=first.level, rule=first.rule, file=file, key=first.key, value=first.value, message=first.message,
        remedy=first.remedy, cases=cases,
    )  # fmt: skip
