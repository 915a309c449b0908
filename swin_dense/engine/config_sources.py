"""Sources of config files: which variables they have, and into which keys those go."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from swin_dense.engine.settings import base_files

BASE = '_base_'
_ASKED = re.compile(r'\{\{\s*\$(\w+)\s*:\s*(\S*?)\s*\}\}')  # {{$NAME:default}}, as mmengine has it


@dataclass
class Source:
    """What the text of a config file says of its variables.

    Attributes:
        assigned: names that it gives a value.
        loaded: names that it reads, also as `_base_.NAME`.
        uses: (dotted place, name of the variable that stands there or in the expression there).
        environment: name of a variable -> (variable of the environment that its text asks for, the default).
    """

    assigned: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    uses: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, tuple[str, str]] = field(default_factory=dict)


def all_bases(file: str) -> Iterator[str]:
    """Paths of the `_base_` of a config file, of theirs, and so on."""
    for base in base_files(file):
        yield base
        yield from all_bases(base)


def read_source(file: str) -> Source:
    """Read the text of a config file; ValueError, SyntaxError or OSError where that cannot be done."""
    source = Source()
    for statement in ast.parse(Path(file).read_text()).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            source.assigned.update(names)
            asked = _ASKED.search(ast.unparse(statement.value))
            source.environment.update(dict.fromkeys(names, (asked[1], asked[2])) if asked else {})
            for name in names if BASE not in names else ():
                source.uses += _uses(statement.value, name)
        source.loaded |= {name for node in ast.walk(statement) if (name := _variable(node))}
    return source


def _uses(node: ast.AST, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        for argument in node.args:
            yield from _uses(argument, place)
        for keyword in node.keywords:
            yield from _uses(keyword.value, f'{place}.{keyword.arg}' if keyword.arg else place)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield from _uses(value, f'{place}.{key.value!s}' if isinstance(key, ast.Constant) else place)
    elif isinstance(node, (ast.List, ast.Tuple)):
        for number, item in enumerate(node.elts):
            yield from _uses(item, f'{place}.{number}')
    else:
        for inner in ast.walk(node):
            if name := _variable(inner):
                yield place, name


def _variable(node: ast.AST) -> str:
    """The variable that a piece of source reads: NAME or `_base_.NAME`."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != 'dict':
        return node.id
    of_base = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == BASE
    return node.attr if of_base and isinstance(node, ast.Attribute) else ''


def places_of(name: str, sources: list[Source], source: Source, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where the value of a variable went, directly or through other variables."""
    for place, used in source.uses:
        top, _, rest = place.partition('.')
        if used != name or top in seen or place == name:
            continue
        yield place
        for other in sources:
            for further in places_of(top, sources, other, seen | {name, top}):
                yield f'{further}.{rest}' if rest else further
