"""Configs: reading one, what identifies it, what changed between two."""

import hashlib
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pprint import pformat
from typing import Any, ClassVar

from mmengine.config import Config
from mmengine.registry import DefaultScope

from swin_dense.engine.plain import plain
from swin_dense.engine.unreadable_configs import reading_error, refuse_missing
from swin_dense.quiet import quieter

# where and how a run is done, not what is done
NOT_THE_RECIPE = ('work_dir', 'resume', 'load_from', 'launcher', 'log_level', 'env_cfg', 'experiment_name')


def load_config(path: str | Path) -> Config:
    """Read a config file; its folder and the current one are importable meanwhile, for `custom_imports`."""
    path = Path(path)
    refuse_missing(path)
    folders = [str(path.resolve().parent), str(Path.cwd())]
    sys.path[:0] = folders
    try:
        return Config.fromfile(path)
    except (
        ArithmeticError, AttributeError, LookupError, NameError, OSError, SyntaxError, TypeError, ValueError,
    ) as error:  # fmt: skip
        raise reading_error(error, path) from error
    finally:
        for folder in folders:
            sys.path.remove(folder)


def base_files(path: str | Path) -> list[str]:
    """Paths of the `_base_` of a config file."""
    path = str(path)
    return [Config._get_cfg_path(base, path)[0] for base in Config._get_base_files(path)]


def base_values(path: str | Path) -> dict[str, Any]:
    """What the bases of a config file say together, as plain values."""
    values: dict[str, Any] = {}
    with quieter(logging.INFO):  # mmengine logs every variable of the environment that a config names
        for base in base_files(path):
            values.update(Config.fromfile(base, import_custom_modules=False).to_dict())
    return values


class FormattedOnce(Config):
    """A config that is formatted once. mmengine asks for its text at five places of a start, a second each."""

    _texts: ClassVar[dict[str, str]] = {}

    @property
    def pretty_text(self) -> str:
        values = repr(self._cfg_dict)
        if values not in self._texts:
            self._texts.clear()
            try:
                self._texts[values] = super().pretty_text
            except ImportError:  # of yapf, which breaks lines, and nothing needs
                items = self.to_dict().items()
                self._texts[values] = '\n'.join(f'{key} = {pformat(value, sort_dicts=False)}' for key, value in items)
        return self._texts[values]


def recipe(cfg: Config, known: set[str]) -> dict[str, Any]:
    """Give the keys of a config that decide on the result, as plain values."""
    kept = {key: value for key, value in cfg.to_dict().items() if key in known and key not in NOT_THE_RECIPE}
    return plain(kept, where='config', left_out=[])


def recipe_hash(values: dict[str, Any]) -> str:
    """Identify a recipe: equal for equal values, whatever files they were written in."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def flatten(values: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Walk through nested dicts and lists: (dotted key, value) of everything that is neither."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from flatten(value, f'{prefix}{key}.')
    elif isinstance(values, (list, tuple)) and any(isinstance(item, (dict, list, tuple)) for item in values):
        for number, value in enumerate(values):
            yield from flatten(value, f'{prefix}{number}.')
    else:
        yield prefix[:-1], list(values) if isinstance(values, tuple) else values


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """List what differs between two recipes, a line each."""
    before, after = dict(flatten(old)), dict(flatten(new))
    absent = object()
    lines = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key, absent), after.get(key, absent)
        if was is absent:
            lines.append(f'{key}: {now!r} is new')
        elif now is absent:
            lines.append(f'{key}: {was!r} is gone')
        elif was != now:
            lines.append(f'{key}: {was!r} -> {now!r}')
    return lines


@contextmanager
def restored_scope() -> Iterator[None]:
    """Take back every default scope that the block sets, so that a run leaves the process as it found it."""
    before = set(DefaultScope._instance_dict)
    try:
        yield
    finally:
        for name in set(DefaultScope._instance_dict) - before:
            del DefaultScope._instance_dict[name]
