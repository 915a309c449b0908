"""Types of a config: which class or function a name stands for."""

import functools
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from mmengine import registry as mmengine_registries
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import Registry

from swin_dense.engine.errors import closest, names_below
from swin_dense.quiet import quiet_imports

ROOTS: dict[str, Registry] = {
    name: value for name, value in vars(mmengine_registries).items() if isinstance(value, Registry)
}
LIBRARIES = ('swin_dense', 'mmdet', 'mmseg')  # whose names are reached by their scope from any other


def find_type(kind: Any, scope: str | None, registry: str = '') -> Any:
    """The class or function that `type=kind` stands for, or None.

    Args:
        kind: the value of `type`: a name, one with its scope (`mmdet.Resize`), a whole path, or the class itself.
        scope: the default scope where it is built.
        registry: name of the root registry in mmengine (`MODELS`), of several `A|B`; '': the first that knows it.
    """
    if not isinstance(kind, str):
        return kind
    with quiet_imports():
        return next((found for root in _roots(registry) if (found := _look_up(root, kind, scope)) is not None), None)


def why_not_found(kind: str, scope: str | None, registry: str = '') -> str:
    """Say why `find_type` gave None: names like it, another registry that has it, an import that failed."""
    prefix = kind.split('.')[0] if '.' in kind else scope
    if failure := prefix and _import_failure(prefix):
        return f' The modules of {prefix!r} cannot be imported: {failure}.'
    elsewhere = [name for name in ROOTS if name not in registry and find_type(kind, scope, name) is not None]
    if elsewhere:
        return f' It is in {elsewhere[0]}: it belongs elsewhere in the config.'
    bare = kind.rsplit('.', 1)[-1]
    others = [f'{library}.{bare}' for library in LIBRARIES if library != prefix]
    if scoped := [name for name in others if find_type(name, scope, registry) is not None]:
        return f' Did you mean {" or ".join(map(repr, scoped))}?'
    everywhere = {name for root in _roots(registry) for name in names_below(root)}
    reachable = {name.removeprefix(f'{scope}.') for name in everywhere}
    return closest(kind, reachable) or closest(bare, {name.rsplit('.', 1)[-1] for name in everywhere})


def _roots(registry: str) -> list[Registry]:
    return [ROOTS[name] for name in registry.split('|')] if registry else list(ROOTS.values())


def nearest(name: str, names: Iterable[str]) -> str:
    """Say `Did you mean ...?`: the most similar names, or those that `name` begins with, or that begin with it."""
    names = sorted(names)
    if said := closest(name, names, count=2):
        return said
    alike = [
        each for each in names if min(len(each), len(name)) > 2 and (name.startswith(each) or each.startswith(name))
    ]
    return f' Did you mean {" or ".join(map(repr, alike[:2]))}?' if alike else ''


def _look_up(root: Registry, kind: str, scope: str | None) -> Any:
    # as Registry.switch_scope_and_registry does, which sleeps a little each time
    child = root._search_child(scope) if scope and _has_registries(scope) else None
    try:
        return (root if child is None else child).get(kind)  # one without names yet is false
    except (ImportError, KeyError, AttributeError):
        return None


@functools.cache
def _has_registries(scope: str) -> bool:
    try:
        import_module(f'{scope}.registry')
    except ImportError:
        return scope == 'mmengine'
    return True


@functools.cache
def _import_failure(scope: str) -> str:
    """Why the modules of a scope cannot be imported; '' where they can."""
    try:
        with quiet_imports():
            package = import_module(f'{scope}.utils')
            if scope in MODULE2PACKAGE:
                package.register_all_modules(init_default_scope=False)
    except ModuleNotFoundError as error:
        if error.name == scope:
            return f'there is no package {scope}' if scope in MODULE2PACKAGE else ''
        return '' if error.name == f'{scope}.utils' else str(error)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return ''
