"""Files and folders that a config names, apart from data: weights that are not there, a work dir that cannot be one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from swin_dense.checkpoints.zoo import nearest_names, zoo
from swin_dense.checks.findings import Finding
from swin_dense.checks.offline import WEIGHT_ARGUMENTS
from swin_dense.engine.checkpoint_files import newest_checkpoint

_NO_RESUME = 'Give --resume the path of a checkpoint, or no path: then it goes on from the newest of the work dir.'


def named_weights(cfg: Config, *, is_trained: bool) -> Iterator[Finding]:
    """Every checkpoint that the config names by a local path or a short name; nothing is downloaded."""
    found = [('load_from', cfg.get('load_from'))] if cfg.get('load_from') else []
    if is_trained and not _goes_on(cfg):
        found += _checkpoints('model', cfg.to_dict().get('model'))
    for key, source in found:
        if not isinstance(source, str) or '://' in source or source in zoo() or Path(source).expanduser().exists():
            continue
        path = Path(source)
        names = nearest_names(path.stem if path.suffix in ('.pth', '.pt', '.safetensors') else path.name)
        meant = f' Did you mean the published weights {" or ".join(map(repr, names))}?' if names else ''
        yield Finding(
            level='error', rule='missing-weights', key=key, value=source,
            message=f'there is no file {source!r} (looked from {Path.cwd()}), and no published weights of that name.',
            remedy=_NO_RESUME
            if cfg.get('resume')
            else f'Train or download it first, correct the path, or start without it: '
            f'{key.rpartition(".")[0] or key}=None.{meant}',
        )  # fmt: skip


def _goes_on(cfg: Config) -> bool:
    """Whether a run goes on with all of its weights, and needs none to start from."""
    work_dir = cfg.get('work_dir')
    return bool(cfg.get('resume') and (cfg.get('load_from') or (work_dir and newest_checkpoint(work_dir))))


def work_dir_is_writable(cfg: Config) -> Iterator[Finding]:
    path = Path(cfg.get('work_dir') or 'work_dirs').expanduser().absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = 'is a file' if not there.is_dir() else 'cannot be written by this user'
        yield Finding(
            level='error', rule='work-dir', key='work_dir', value=cfg.get('work_dir'),
            message=f'{path} cannot be filled: {there} {why}.', remedy='Give another one: --work-dir or work_dir=...',
        )  # fmt: skip


def _checkpoints(key: str, node: Any) -> Iterator[tuple[str, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else ()
    for name, value in items:
        if name == 'init_cfg':
            for place, each in _initialisers(f'{key}.init_cfg', value):
                if each.get('checkpoint'):
                    yield f'{place}.checkpoint', each['checkpoint']
        elif name in WEIGHT_ARGUMENTS and value:
            yield f'{key}.{name}', value
        else:
            yield from _checkpoints(f'{key}.{name}', value)


def _initialisers(key: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield key, value
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from _initialisers(f'{key}.{number}', each)
