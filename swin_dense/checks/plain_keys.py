"""Plain dicts that classes read key by key, if at all: `test_cfg` of a model, `filter_cfg` of a data set, ...

No signature says what is read. The source does: a key that stands as a word nowhere in the files of the classes that
will be built is read by none of them. It is reported only where it looks like one that is.
"""

import difflib
import functools
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from swin_dense.checks.findings import Finding
from swin_dense.engine.config_places import look_at

_PLAIN = ('train_cfg', 'test_cfg', 'filter_cfg', 'data_prefix')
_LIBRARIES = ('mmdet', 'mmseg', 'mmengine', 'swin_dense')
_SHARED = ('mmdet.models.utils', 'mmdet.models.layers', 'mmseg.models.utils')  # functions that heads hand configs to
_SIMILARITY = 0.75
# cfg.get('key', cfg['key'], cfg.key, 'key' in cfg, prefix['key']
_READ = re.compile(r"""(?:cfg|prefix|rcnn|rpn)(?:\.get\(\s*|\[)['"](\w+)|cfg\.(\w+)|['"](\w+)['"]\s+in\s+[\w.]*cfg""")


def unread_plain_keys(key: str, node: dict[str, Any], scope: str | None) -> Iterator[Finding]:
    """Look into the plain dicts of what is built at `key`, a whole model or data set."""
    plain = list(_plain_dicts(key, node))
    if not plain:
        return
    files = frozenset(_files(_classes(key, node, scope)))
    words, read = _words(files)
    for place, values in plain:
        for name in values.keys() - words - {'type'}:
            if meant := difflib.get_close_matches(name, read, n=1, cutoff=_SIMILARITY):
                yield Finding(
                    level='warning', rule='unknown-key', key=f'{place}.{name}', value=values[name],
                    message=f'nothing in the source of what is built from {key} reads {name!r}.',
                    remedy=f'Did you mean {meant[0]!r}? Otherwise take it out.',
                )  # fmt: skip


def _plain_dicts(key: str, node: Any, inside: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, (list, tuple)):
        for number, item in enumerate(node):
            yield from _plain_dicts(f'{key}.{number}', item, inside)
    elif isinstance(node, dict) and not (inside and 'type' in node):
        if inside:
            yield key, node
        for name, value in node.items():
            yield from _plain_dicts(f'{key}.{name}', value, inside or name in _PLAIN)
    elif isinstance(node, dict):  # built from the dict: its arguments are known
        return


def _classes(key: str, node: Any, scope: str | None) -> Iterator[type]:
    if isinstance(node, dict):
        target = look_at(key, node, scope).target
        if isinstance(target, type):
            yield target
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else ()
    for name, value in inner:
        yield from _classes(f'{key}.{name}', value, scope)


def _files(classes: Iterable[type]) -> Iterator[str]:
    bases = {base for cls in classes for base in cls.__mro__}
    shared = [name for name in sys.modules if name.startswith(_SHARED)]
    for name in {base.__module__ for base in bases} | set(shared):
        if name.startswith(_LIBRARIES) and (file := getattr(sys.modules.get(name), '__file__', None)):
            yield file


@functools.lru_cache(maxsize=64)
def _words(files: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """All words of some source files, and those that are read out of a config."""
    words, read = zip(*map(_words_of, files), strict=True) if files else ((), ())
    return frozenset().union(*words), frozenset().union(*read)


@functools.lru_cache(maxsize=2000)
def _words_of(file: str) -> tuple[frozenset[str], frozenset[str]]:
    try:
        text = Path(file).read_text()
    except (OSError, UnicodeDecodeError):
        return frozenset(), frozenset()
    read = {word for found in _READ.findall(text) for word in found if word}
    return frozenset(re.findall(r'\w+', text)), frozenset(read - {'get', 'copy', 'pop', 'deepcopy'})
