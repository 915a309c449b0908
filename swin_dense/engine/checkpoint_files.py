"""The checkpoints of a work dir: writing one, finding the newest whole one."""

import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.engine.atomic import replacing

INTERRUPTED = 'interrupted.pth'
_TRAINING_FILE = re.compile(r'(epoch_\d+|iter_\d+|interrupted)\.pth')


def write_checkpoint(checkpoint: dict, path: str | Path) -> None:
    """Write tensors and plain values to `path`; until it is whole and on the disk, the old file stays."""
    with replacing(path) as file:
        torch.save(checkpoint, file)


def training_checkpoints(folder: str | Path) -> list[Path]:
    """List the files in `folder` that training goes on from, whole or not. Best-so-far files are not among them."""
    return sorted(path for path in Path(folder).glob('*.pth') if _TRAINING_FILE.fullmatch(path.name))


def newest_checkpoint(folder: str | Path) -> Path | None:
    """Find the whole checkpoint with the most iterations in `folder`; of equals, the one written last.

    The pointer file `last_checkpoint` is not asked: it may be older or newer than what is there.
    """
    ages = {}
    for path in training_checkpoints(folder):
        # a run that is still going deletes its older checkpoints at any moment
        with suppress(FileNotFoundError):
            if zipfile.is_zipfile(path):
                ages[path] = (read_meta(path).get('iter', 0), path.stat().st_mtime)
    return max(ages, key=ages.__getitem__, default=None)


def trained_classes(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the classes that a checkpoint was trained on, in the order of its labels; none where it has none.

    Args:
        meta: what the checkpoint says about itself, this package's, mmengine's or an older runner's (`CLASSES`).
    """
    saved = meta.get('dataset_meta') or meta
    saved = {str(key).lower(): value for key, value in saved.items()} if isinstance(saved, Mapping) else {}
    names = saved.get('classes')
    return tuple(map(str, names)) if isinstance(names, (list, tuple)) else ()


def read_meta(path: str | Path) -> dict[str, Any]:
    """Read what a checkpoint says about itself."""
    meta = read_checkpoint(path, lazy=True).get('meta', {})
    return meta if isinstance(meta, dict) else {}
