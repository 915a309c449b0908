"""Variables of config files that were changed where nothing reads them any more.

`train_dataloader = dict(dataset=dict(pipeline=train_pipeline))` of a base is worked out in the base. A config that
inherits from it and changes `train_pipeline` alone trains with the old one. Which variable went where is read from the
source of the bases.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from swin_dense.checks.findings import Finding
from swin_dense.engine.config_options import misspelt_keys
from swin_dense.engine.config_places import RUNNER_KEYS
from swin_dense.engine.config_sources import BASE, all_bases, places_of, read_source
from swin_dense.engine.settings import base_values

# read by the tools of mmdet and mmseg, or by people
_NO_VARIABLES = {BASE, 'tta_model', 'tta_pipeline', 'dataset_type', 'backend_args', 'file_client_args'}
_ABSENT = object()


def find_idle_variables(cfg: Config) -> Iterator[Finding]:
    """Variables that the config file itself sets, and that have no effect on what is built."""
    file = str(cfg.filename or '')
    if not file.endswith('.py') or not Path(file).is_file():
        return
    try:
        own, bases = read_source(file), [read_source(path) for path in all_bases(file)]
    except (SyntaxError, ValueError, OSError):
        return
    before, values = base_values(file), cfg.to_dict()
    misspelt = dict(misspelt_keys(cfg))
    for name in sorted(own.assigned - own.loaded - _NO_VARIABLES - misspelt.keys()):
        places = sorted({place for base in bases for place in places_of(name, bases, base)} - {name})
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
