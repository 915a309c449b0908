"""Variables of config files that were changed where nothing reads them any more.

`train_dataloader = dict(dataset=dict(pipeline=train_pipeline))` of a base is worked out in the base. A config that
inherits from it and changes `train_pipeline` alone trains with the old one. Which variable went where is read from the
source of the bases.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Finding
from swin_dense.engine.config_options import misspelt_keys
from swin_dense.engine.config_places import RUNNER_KEYS
from swin_dense.engine.settings import base_files, base_values

_BASE = '_base_'
# read by the tools of mmdet and mmseg, or by people
_NO_VARIABLES = {_BASE, 'tta_model', 'tta_pipeline', 'dataset_type', 'backend_args', 'file_client_args'}
_ABSENT = object()


@dataclass
class _Source:
    """What the text of a config file says of its variables.

    Attributes:
        assigned: names that it gives a value.
        loaded: names that it reads, also as `_base_.NAME`.
        uses: (dotted place, name of the variable that stands there or in the expression there).
    """

    assigned: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)
    uses: list[tuple[str, str]] = field(default_factory=list)


def find_idle_variables(cfg: Config) -> Iterator[Finding]:
    """Variables that the config file itself sets, and that have no effect on what is built."""
    file = str(cfg.filename or '')
    if not file.endswith('.py') or not Path(file).is_file():
        return
    try:
        own, bases = _read(file), [_read(path) for path in _all_bases(file)]
    except (SyntaxError, ValueError, OSError):
        return
    before, values = base_values(file), cfg.to_dict()
    misspelt = dict(misspelt_keys(cfg))
    for name in sorted(own.assigned - own.loaded - _NO_VARIABLES - misspelt.keys()):
        places = sorted({place for base in bases for place in _places(name, bases, base)} - {name})
        places = [place for place in places if place.split('.')[0] in RUNNER_KEYS - {name}]
        old, new = before.get(name, _ABSENT), values.get(name, _ABSENT)
        if old is _ABSENT or old == new or not places:
            if name not in RUNNER_KEYS and not places:
                yield _unread(file, name, new)
            continue
        kept = [place for place in places if _at(before, place) == _at(values, place) is not _ABSENT]
        if len(kept) == len(places):
            yield _idle(file, name, old, new, kept)


def _idle(file: str, name: str, old: Any, new: Any, places: list[str]) -> Finding:
    is_copied_key = name in RUNNER_KEYS  # read itself; what was copied from it may be meant to stay
    shown = ', '.join(places[:3]) + (f' and {len(places) - 3} more' if len(places) > 3 else '')
    stays = f' {old!r}' if isinstance(old, (int, float, str)) else ''
    line = f'Write below it: {_line(places[0], name)}' if len(places) == 1 else f'Set each of them, too: {shown}'
    keep = f'{shown} keep{"s" * (len(places) == 1)} the value of the base{stays}, which was copied there before'
    read = 'changed here' if is_copied_key else 'set here, and nothing reads it from here'
    return Finding(
        level='warning' if is_copied_key else 'error', rule='idle-variable', file=file, key=name,
        value=new if not isinstance(new, (dict, list)) else None, message=f'{name} is {read}: {keep}.',
        remedy=f'{line}; or leave it, if that is meant.' if is_copied_key else f'{line}.',
    )  # fmt: skip


def _unread(file: str, name: str, value: Any) -> Finding:
    return Finding(
        level='warning', rule='idle-variable', file=file, key=name, value=value if value is not _ABSENT else None,
        message=f'nothing reads {name}: it is no key of the runner, and no line of the config uses it.',
        remedy='Use it, or take it out.',
    )  # fmt: skip


def _line(place: str, name: str) -> str:
    """`a = dict(b=dict(c=name))` for `a.b.c`; lists are written as a whole, or from the command line."""
    top, *rest = place.split('.')
    if any(part.isdigit() for part in rest):
        return f'the list that {place} is in, or --cfg-options {place}=...'
    return f'{top} = ' + ''.join(f'dict({part}=' for part in rest) + name + ')' * len(rest)


def _all_bases(file: str) -> Iterator[str]:
    for base in base_files(file):
        yield base
        yield from _all_bases(base)


def _read(file: str) -> _Source:
    source = _Source()
    for statement in ast.parse(Path(file).read_text()).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            source.assigned.update(names)
            for name in names if _BASE not in names else ():
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
    of_base = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == _BASE
    return node.attr if of_base and isinstance(node, ast.Attribute) else ''


def _places(name: str, sources: list[_Source], source: _Source, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where the value of a variable went, directly or through other variables."""
    for place, used in source.uses:
        top, _, rest = place.partition('.')
        if used != name or top in seen or place == name:
            continue
        yield place
        for other in sources:
            for further in _places(top, sources, other, seen | {name, top}):
                yield f'{further}.{rest}' if rest else further


def _at(values: Any, place: str) -> Any:
    node = values
    for part in place.split('.'):
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, (list, tuple)) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            return _ABSENT
    return node
