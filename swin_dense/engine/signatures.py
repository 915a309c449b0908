"""Which arguments a class or function takes from a config.

An argument may go on to a base class through `**kwargs`. Where they go is read from the source of the constructor, so
that an argument that nothing takes is known before anything is built. What the source does not say for sure counts as
taken, and as not needed.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from swin_dense.engine.keyword_uses import Use, use_of


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


@functools.lru_cache(maxsize=2000)
def arguments_of(target: Any) -> Arguments:
    """The arguments of a class or function, as a config may give them."""
    names: set[str] = set()
    required: set[str] = set()
    defaults: dict[str, Any] = {}
    given: set[str] = set()  # by derived classes, to their bases
    use = Use(goes_on=True)
    is_open = _is_made_by_others(target)
    is_certain = not is_open
    constructors = _constructors(target)
    while constructors and use.goes_on:
        owner, function = constructors.pop(0)
        parameters = list(_signature(function))
        own = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        given.update([p.name for p in own if p.kind is not p.KEYWORD_ONLY][: use.positions])
        own = [p for p in own if p.name not in given | names]
        names.update(p.name for p in own)
        defaults.update({p.name: p.default for p in own if p.default is not p.empty})
        defaults.update(dict.fromkeys(_former_names(function)))
        required |= {p.name for p in own if is_certain}
        use = _use_of(owner, function, parameters)
        defaults.update(dict.fromkeys(use.read))
        given |= use.given
        is_certain = is_certain and use.is_certain and not use.is_open
        constructors, is_found = _next(target, constructors, use)
        is_open = is_open or use.is_open or (use.goes_on and not (is_found and constructors))
    names |= defaults.keys()
    return Arguments(frozenset(names), frozenset(required - defaults.keys()), is_open, defaults)


_Constructors = list[tuple[Any, Callable]]


def _use_of(owner: Any, function: Callable, parameters: Iterable[inspect.Parameter]) -> Use:
    names = {p.kind: p.name for p in parameters}
    keywords = names.get(inspect.Parameter.VAR_KEYWORD)
    if keywords is None:
        return Use()
    return use_of(
        function,
        keywords=keywords,
        positions=names.get(inspect.Parameter.VAR_POSITIONAL, ''),
        owner=getattr(owner, '__name__', ''),
    )


def _next(target: Any, constructors: _Constructors, use: Use) -> tuple[_Constructors, bool]:
    """The constructors from that on which gets the keywords, and whether it was found."""
    if not use.base and not use.beyond:
        return constructors, True
    order = [cls.__name__ for cls in target.__mro__] if inspect.isclass(target) else []
    name = use.base or use.beyond
    if name not in order:
        return [], False
    # of classes with one name the last: the derived one of them calls it so
    place = len(order) - 1 - order[::-1].index(name) + (not use.base)
    later = target.__mro__[place:]
    return [each for each in constructors if each[0] in later], True


def _is_made_by_others(target: Any) -> bool:
    """Whether `__new__` or a metaclass gets the arguments, and may do anything with them."""
    if not inspect.isclass(target):
        return False
    return target.__new__ is not object.__new__ or any('__call__' in vars(each) for each in type(target).__mro__[:-2])


def _constructors(target: Any) -> _Constructors:
    """The constructors of a class and its bases, in their order, up to those that take nothing."""
    if not inspect.isclass(target):
        return [(target, target)]
    found: _Constructors = []
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
