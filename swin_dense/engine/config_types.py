"""Types of a config: which class or function a name stands for, and which arguments that takes.

An argument may go on to a base class through `**kwargs`. Where they go is read from the source of the constructor, so
that an argument that nothing takes is known before anything is built.
"""

import ast
import functools
import inspect
import logging
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mmengine import registry as mmengine_registries
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import Registry

from swin_dense.engine.errors import closest, names_below

ROOTS: dict[str, Registry] = {
    name: value for name, value in vars(mmengine_registries).items() if isinstance(value, Registry)
}
LIBRARIES = ('swin_dense', 'mmdet', 'mmseg')  # whose names are reached by their scope from any other


@dataclass(frozen=True)
class Arguments:
    """What a class or function takes.

    Attributes:
        names: all that it takes by name, those of base classes too where they are passed on.
        required: those without a default.
        is_open: it passes further ones on to something that is not known.
        defaults: of those that have one.
    """

    names: frozenset[str]
    required: frozenset[str] = frozenset()
    is_open: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        return self.is_open or name in self.names


def find_type(kind: Any, scope: str | None, registry: str = '') -> Any:
    """The class or function that `type=kind` stands for, or None.

    Args:
        kind: the value of `type`: a name, one with its scope (`mmdet.Resize`), a whole path, or the class itself.
        scope: the default scope where it is built.
        registry: name of the root registry in mmengine (`MODELS`), of several `A|B`; '': the first that knows it.
    """
    if not isinstance(kind, str):
        return kind
    with _quiet():
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


@functools.lru_cache(maxsize=2000)
def arguments_of(target: Any) -> Arguments:
    """The arguments of a class or function, as a config may give them."""
    names: set[str] = set()
    defaults: dict[str, Any] = {}
    given: set[str] = set()  # by derived classes, to their bases
    positions: int = 0  # how many arguments of the base a derived class gives by position
    is_open = False
    constructors = _constructors(target)
    while constructors:
        _, function = constructors.pop(0)
        parameters = list(_signature(function))
        own = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        given.update([p.name for p in own if p.kind is not p.KEYWORD_ONLY][:positions])
        own = [p for p in own if p.name not in given | names]
        names.update(p.name for p in own)
        defaults.update({p.name: p.default for p in own if p.default is not p.empty})
        defaults.update(dict.fromkeys(_former_names(function)))
        rest = [p.name for p in parameters if p.kind is p.VAR_KEYWORD]
        if not rest:
            break
        use = _use_of(function, rest[0])
        defaults.update(dict.fromkeys(use.read))
        given |= use.given
        positions = use.positions
        while use.beyond and constructors and use.beyond in [cls.__name__ for cls, _ in constructors]:
            constructors.pop(0)
        is_open = is_open or use.is_open or (use.goes_on and not constructors)
        if not use.goes_on:
            break
    names |= defaults.keys()
    return Arguments(frozenset(names), frozenset(names - defaults.keys()), is_open, defaults)


def _constructors(target: Any) -> list[tuple[Any, Callable]]:
    """The constructors of a class and its bases, in their order, up to those that take nothing."""
    if not inspect.isclass(target):
        return [(target, target)]
    found: list[tuple[Any, Callable]] = []
    for cls in target.__mro__:
        if '__init__' in vars(cls) and cls is not object:
            if cls.__module__ == 'torch.nn.modules.module':
                return [*found, (cls, _takes_nothing)]
            found.append((cls, vars(cls)['__init__']))
    return found


def _takes_nothing() -> None:
    pass


def _former_names(function: Callable) -> Iterable[str]:
    """Names that mmengine's `deprecated_api_warning` still takes."""
    cells = (
        dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if (hasattr(function, '__wrapped__') and inspect.isfunction(function))
        else {}
    )
    renamed = cells['name_dict'].cell_contents if 'name_dict' in cells else None
    return renamed if isinstance(renamed, dict) else ()


def _signature(function: Callable) -> Iterable[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of built-in functions without one
        return [inspect.Parameter('options', inspect.Parameter.VAR_KEYWORD)]
    return [p for p in parameters if p.name != 'self']


@dataclass(frozen=True)
class _Use:
    """What a constructor does with its `**kwargs`."""

    read: frozenset[str] = frozenset()  # taken out by name
    given: frozenset[str] = frozenset()  # to the base beside them
    positions: int = 0
    goes_on: bool = False  # to the base
    beyond: str = ''  # to what comes after this base
    is_open: bool = False  # to something else, or nowhere


def _use_of(function: Callable, name: str) -> _Use:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return _Use(is_open=True)
    read: set[str] = set()
    known: set[ast.AST] = set()  # uses of the name that are understood
    calls: list[ast.Call] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            stars = [k.value for k in node.keywords if k.arg is None and _is_name(k.value, name)]
            if stars and isinstance(node.func, ast.Attribute) and node.func.attr == '__init__':
                calls.append(node)
                known.update(stars)
            if isinstance(node.func, ast.Attribute) and _is_name(node.func.value, name) and node.args:
                read |= _text(node.args[0])
                known.add(node.func.value)
        elif isinstance(node, ast.Subscript) and _is_name(node.value, name):
            read |= _text(node.slice)
            known.add(node.value)
        elif isinstance(node, ast.Compare) and any(_is_name(each, name) for each in node.comparators):
            read |= _text(node.left)
            known.update(node.comparators)
    others = [node for node in ast.walk(tree) if _is_name(node, name) and node not in known]
    given = set.intersection(*({k.arg for k in call.keywords if k.arg} for call in calls)) if calls else set()
    beyond = [each for call in calls if (each := _skipped(call))]
    return _Use(
        read=frozenset(read),
        given=frozenset(given - read),
        positions=min((_positions(call) for call in calls), default=0),
        goes_on=bool(calls),
        beyond=beyond[0] if beyond else '',
        is_open=bool(others) or not (calls or read),
    )


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _text(node: ast.AST) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _skipped(call: ast.Call) -> str:
    """`A` of `super(A, self).__init__(...)`."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    named = of.args[0] if isinstance(of, ast.Call) and of.args else None
    return named.id if isinstance(named, ast.Name) else ''


def _positions(call: ast.Call) -> int:
    plain = [each for each in call.args if not isinstance(each, ast.Starred)]
    by_name = isinstance(call.func, ast.Attribute) and not isinstance(call.func.value, ast.Call)
    return len(plain) - by_name  # Base.__init__(self, ...)


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)  # mmengine warns of every registry that a scope does not extend
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of libraries that are imported for their names
            yield
    finally:
        logging.disable(logging.NOTSET)


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
        with _quiet():
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
