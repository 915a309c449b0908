"""Puts the assigners of this package into a model config in the place of mmdet's. Imports mmdet where it must."""

from typing import Any

from mmengine.registry import TASK_UTILS

_KNOWN = ('ATSSAssigner', 'MaxIoUAssigner')


def with_own_assigners(model_cfg: Any) -> Any:
    """Give the config with mmdet's assigners exchanged for those that bound their memory and assign the same.

    Args:
        model_cfg: dicts and lists, of any depth; is left as it is. Scopes of names are those of mmengine's registries.
    """
    if isinstance(model_cfg, (list, tuple)):
        return type(model_cfg)(with_own_assigners(item) for item in model_cfg)
    if not isinstance(model_cfg, dict):
        return model_cfg
    values = {key: with_own_assigners(value) for key, value in model_cfg.items()}
    if (name := _name(values.get('type'))) in _KNOWN and _is_mmdets(values['type'], name):
        values['type'] = f'swin_dense.{name}'
    return type(model_cfg)(values)


def _name(kind: Any) -> str:
    """The class name of `mmdet.MaxIoUAssigner`, of a path that ends in it, or of the class."""
    return str(kind.__name__ if isinstance(kind, type) else kind).rsplit('.', maxsplit=1)[-1]


def _is_mmdets(kind: Any, name: str) -> bool:
    from mmdet.models.task_modules import assigners

    with TASK_UTILS.switch_scope_and_registry(None) as registry:
        found = registry.get(kind) if isinstance(kind, str) else kind
    return found is getattr(assigners, name)
