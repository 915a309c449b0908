"""The config that a checkpoint carries, read without running it.

mmengine's checkpoints hold the text of their config, which is Python, and `Config.fromstring` executes it: a
checkpoint from anywhere could do anything. What is saved there is literals and `dict(...)`, so only those are read.
What is built from them are registered classes: elsewhere mmengine takes any dotted name, as `type='subprocess.call'`.
"""

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.registry import registry as mmengine_registry

_PACKAGES = ('swin_dense', 'mmdet', 'mmseg', 'mmengine', 'mmcv')


def carried_config(meta: Mapping[str, Any], source: str) -> Config:
    """The config of the training that wrote a checkpoint.

    Args:
        meta: what the checkpoint says about itself.
        source: of the checkpoint, for messages.

    Raises:
        ValueError: it carries none, or one that is more than values.
    """
    text = meta.get('cfg') or meta.get('config')
    values = meta.get('recipe') if isinstance(meta.get('recipe'), Mapping) else None
    if values is None and isinstance(text, str) and text.strip():
        values = literal_config(text, source)
    if not values or 'model' not in values:
        raise ValueError(f'{source} carries no config of a model: give the config file as well, before the checkpoint.')
    if values.get('custom_imports'):
        raise ValueError(
            f'the config that {source} carries imports modules of its own, which would run: '
            f'{values["custom_imports"]}. If you trust them, give the config file as well, before the checkpoint.'
        )
    _refuse_other_packages(values, source)
    return Config(dict(values))


def _refuse_other_packages(node: Any, source: str) -> None:
    """Refuse types that a registry would import a package for, to look them up there."""
    if isinstance(node, Mapping):
        for key in ('type', '_scope_', 'default_scope'):
            value = node.get(key)
            if isinstance(value, str) and (key != 'type' or '.' in value) and value.split('.')[0] not in _PACKAGES:
                raise ValueError(
                    f'the config that {source} carries has {key}={value!r}, whose package would be imported. If you '
                    'trust it, give the config file as well, before the checkpoint.'
                )
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for value in node:
        _refuse_other_packages(value, source)


@contextmanager
def registered_classes_alone() -> Iterator[None]:
    """Build nothing but what is registered for the block: no name is looked up as an import."""
    before = mmengine_registry.get_object_from_string
    mmengine_registry.get_object_from_string = lambda name: None
    try:
        yield
    finally:
        mmengine_registry.get_object_from_string = before


def literal_config(text: str, source: str) -> dict[str, Any]:
    """The assignments of a config file that has literals and `dict(...)` alone."""
    refused = f'the config that {source} carries is more than values'
    try:
        statements = ast.parse(text).body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f'{refused}: {error}. Give the config file, before the checkpoint.') from None
    values = {}
    for statement in statements:
        if not (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        ):
            raise ValueError(
                f'{refused}: line {statement.lineno}, {ast.unparse(statement)[:80]!r}, is not run. '
                'Give the config file, before the checkpoint.'
            )
        try:
            values[statement.targets[0].id] = _value(statement.value)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(
                f'{refused}: line {statement.lineno}: {error}, is not run. Give the config file, before the checkpoint.'
            ) from None
    return values


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == 'dict' and not node.args and all(keyword.arg for keyword in node.keywords):
            return {keyword.arg: _value(keyword.value) for keyword in node.keywords}
        if node.func.id == 'float' and len(node.args) == 1 and not node.keywords:  # float('inf')
            return float(ast.literal_eval(node.args[0]))
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_value(item) for item in node.elts)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(repr(ast.unparse(node)[:80])) from None
