"""What a constructor does with its `**kwargs`, read from its source."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_READS = ('get', 'pop', 'setdefault')
_BLOCKS = (ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.IfExp)


@dataclass(frozen=True)
class Use:
    """What a constructor does with its `**kwargs`.

    Attributes:
        read: names that it takes out or puts in.
        given: names that it gives to the base itself, beside them.
        positions: how many arguments it gives to the base by position.
        goes_on: whether the base gets them.
        base: name of the base that gets them, of `Base.__init__(self, **kwargs)`; '': the next.
        beyond: name of the base whose next gets them, of `super(Base, self)`.
        is_certain: whether the base gets exactly them and what is written in the call.
        is_open: whether they go to something else, or nowhere.
    """

    read: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    positions: int = 0
    goes_on: bool = False
    base: str = ''
    beyond: str = ''
    is_certain: bool = True
    is_open: bool = False


def use_of(function: Callable, *, keywords: str, positions: str, owner: str) -> Use:
    """Read the source of a constructor.

    Args:
        keywords, positions: names of its `**kwargs` and `*args`; '' for none.
        owner: name of its class.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return Use(is_open=True)
    seen = _Seen(keywords)
    for node in ast.walk(tree):
        seen.look_at(node)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_constructor(node)]
    passing = [call for call in calls if any(_is_name(value, keywords) for value in _stars(call))]
    targets = {_target(call, owner) for call in passing}
    others = [node for node in ast.walk(tree) if _is_name(node, keywords) and node not in seen.known]
    given = set.intersection(*({k.arg for k in call.keywords if k.arg} for call in passing)) if passing else set()
    base, beyond = targets.pop() if len(targets) == 1 else ('', '')
    is_plain = len(calls) == 1 and all(_is_plain(call, keywords, positions) for call in calls)
    return Use(
        read=frozenset(seen.read),
        given=frozenset(given - seen.read),
        positions=min((_positions(call) for call in passing), default=0),
        goes_on=bool(passing),
        base=base,
        beyond=beyond,
        is_certain=is_plain and not seen.is_filled and _is_always_reached(tree),
        is_open=bool(others or targets or seen.has_unknown_names) or not (passing or seen.read),
    )


@dataclass
class _Seen:
    """Uses of the keywords that are understood."""

    name: str
    read: set[str] = field(default_factory=set)
    known: set[ast.AST] = field(default_factory=set)
    is_filled: bool = False  # from what only a run tells
    has_unknown_names: bool = False

    def look_at(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            if _is_constructor(node):
                self.known.update(_stars(node))
            if isinstance(node.func, ast.Attribute) and _is_name(node.func.value, self.name):
                self._method(node, node.func)
        elif isinstance(node, ast.Subscript) and _is_name(node.value, self.name):
            self._named(node.value, node.slice)
        elif isinstance(node, ast.Compare) and any(_is_name(each, self.name) for each in node.comparators):
            self._named(node.comparators[0], node.left)

    def _method(self, call: ast.Call, method: ast.Attribute) -> None:
        if method.attr == 'update':
            self.known.add(method.value)
            names = [keyword.arg for keyword in call.keywords]
            for values in call.args:
                names += _keys(values)
            self.read |= {name for name in names if name}
            self.is_filled |= None in names
        elif method.attr in _READS and call.args:
            self._named(method.value, call.args[0])

    def _named(self, use: ast.AST, word: ast.AST) -> None:
        self.known.add(use)
        if isinstance(word, ast.Constant) and isinstance(word.value, str):
            self.read.add(word.value)
        else:
            self.has_unknown_names = True


def _keys(node: ast.AST) -> list[str | None]:
    """Keys of `dict(a=1)` or `{'a': 1}`; None for what is not written there."""
    if isinstance(node, ast.Call) and _is_name(node.func, 'dict'):
        return [keyword.arg for keyword in node.keywords] + [None] * len(node.args)
    if isinstance(node, ast.Dict):
        return [key.value if isinstance(key, ast.Constant) else None for key in node.keys]  # type: ignore[misc]
    return [None]


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_constructor(call: ast.Call) -> bool:
    """`super().__init__(...)` or `Base.__init__(self, ...)`."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == '__init__' and not _is_of_part(call.func.value)


def _is_of_part(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and _is_name(node.value, 'self')


def _stars(call: ast.Call) -> Iterator[ast.expr]:
    return (keyword.value for keyword in call.keywords if keyword.arg is None)


def _target(call: ast.Call, owner: str) -> tuple[str, str]:
    """(Base, '') of `Base.__init__`, ('', Base) of `super(Base, self).__init__`; of the class itself ('', '')."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(of, ast.Call):
        named = _last_name(of.args[0]) if of.args else ''
        return '', '' if named == owner else named
    return _last_name(of), ''


def _last_name(node: ast.AST | None) -> str:
    """`Base` of `Base` and of `module.Base`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ''


def _is_plain(call: ast.Call, keywords: str, positions: str) -> bool:
    """Whether a call is given what is written there and `*args, **kwargs` of the constructor, no other collection."""
    stars = [each.value for each in call.args if isinstance(each, ast.Starred)]
    return all(_is_name(each, positions) for each in stars) and all(_is_name(each, keywords) for each in _stars(call))


def _positions(call: ast.Call) -> int:
    plain = [each for each in call.args if not isinstance(each, ast.Starred)]
    by_name = isinstance(call.func, ast.Attribute) and not isinstance(call.func.value, ast.Call)
    return len(plain) - by_name  # Base.__init__(self, ...)


def _is_always_reached(tree: ast.Module) -> bool:
    """Whether each run of a constructor comes to the call of the base."""
    constructor = tree.body[0]
    statements = constructor.body if isinstance(constructor, ast.FunctionDef) else []
    conditional = [
        inner for each in statements for node in ast.walk(each) if isinstance(node, _BLOCKS) for inner in ast.walk(node)
    ]
    is_conditional = any(isinstance(each, ast.Call) and _is_constructor(each) for each in conditional)
    return not is_conditional and not any(isinstance(node, ast.Return) for node in conditional)
