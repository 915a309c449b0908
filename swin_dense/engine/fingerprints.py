"""What identifies a recipe apart from its backbone, and the data that a run was trained or tested on.

Runs whose two fingerprints are equal differ in their backbone alone, so that their results can be compared. Checkpoints
and results carry both.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from swin_dense.checkpoints.digests import digest
from swin_dense.engine.settings import recipe_hash

# what a backbone decides: itself, its weights, the channels it hands on, and how many frames are a step in time
OF_THE_BACKBONE = (
    'model.backbone',
    'model.pretrained',
    'model.init_cfg',
    'model.neck.in_channels',
    'model.neck.*.in_channels',
    'model.neck.temporal_stride',
    'model.cls_head.in_channels',
    'model.decode_head.in_channels',
    'model.auxiliary_head.in_channels',
    'model.auxiliary_head.*.in_channels',
)
# how and where a run is done and what it shows: none of it changes a result
_WITHOUT_EFFECT = (
    '*_dataloader.num_workers',
    '*_dataloader.persistent_workers',
    '*_dataloader.prefetch_factor',
    '*_dataloader.pin_memory',
    'randomness.seed',
    'default_hooks.logger',
    'default_hooks.timer',
    'default_hooks.visualization',
    'default_hooks.checkpoint',
    'log_processor',
    'visualizer',
    'vis_backends',
    'train_cfg.val_interval',
    'train_cfg.val_begin',
    'val_dataloader',
    'val_evaluator',
    'val_cfg',
    'runner_type',
    'compile',
)
# where data lies; its content is compared instead
_PLACES = ('data_root', 'ann_file', 'data_prefix', 'img_dir', 'indices')
_PICTURES = ('swin_dense.OverlayHook', 'DetVisualizationHook', 'SegVisualizationHook')


_NUM_READ = 64


def shared_recipe(values: Mapping[str, Any]) -> dict[str, Any]:
    """What all backbones of a comparison have to have in common.

    Args:
        values: of `swin_dense.engine.settings.recipe`, or those of a checkpoint's meta.

    Returns: nested plain values, without keys that say None.
    """
    values = dict(values)
    hooks = [hook for hook in values.pop('custom_hooks', None) or () if hook.get('type') not in _PICTURES]
    return _pruned({**values, **({'custom_hooks': hooks} if hooks else {})}, '')


def recipe_fingerprint(values: Mapping[str, Any]) -> str:
    """Identify the recipe apart from the backbone: equal for configs that differ in their backbone alone."""
    return recipe_hash(shared_recipe(values))


def data_fingerprint(dataset: Any) -> str:
    """Identify the data of a dataset, wherever it lies.

    Its samples in their order, its classes, the content of its annotation file; of images and masks the name and the
    number of bytes, and of 64, evenly spread, the content: to read all would take minutes at each start.
    """
    made = hashlib.sha256()
    for leaf in _leaves(dataset):
        classes = (getattr(leaf, 'metainfo', None) or {}).get('classes') or ()
        parts: list[Any] = [len(leaf), list(classes), _content(str(getattr(leaf, 'ann_file', None) or ''))]
        if hasattr(leaf, 'content_digest'):  # of a million images: their list, and the content of a few
            parts += [leaf.content_digest()]
            numbers = range(0, len(leaf), max(1, len(leaf) // _NUM_READ))
            parts += _files([str(leaf.get_data_info(number)['path']) for number in numbers])
        elif hasattr(leaf, 'get_data_info'):
            samples = [leaf.get_data_info(number) for number in range(len(leaf))]
            for key in ('img_path', 'seg_map_path', 'path'):
                parts += _files([str(sample[key]) for sample in samples if sample.get(key)])
        made.update(json.dumps(parts).encode())
    return made.hexdigest()[:12]


def _files(paths: list[str]) -> Iterator[tuple[str, int | None, str]]:
    step = max(1, len(paths) // _NUM_READ)
    for number, path in enumerate(paths):
        yield os.path.basename(path), _size(path), _content(path) if number % step == 0 else ''


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:  # of another machine, or gone: loading will say so
        return None


def _content(path: str) -> str:
    return digest(Path(path)) if os.path.isfile(path) else ''


def _leaves(dataset: Any) -> Iterator[Any]:
    """Datasets inside of wrappers that repeat, join or seed them."""
    inner = getattr(dataset, 'datasets', None) or [each for each in [vars(dataset).get('dataset')] if each is not None]
    if inner:
        for each in inner:
            yield from _leaves(each)
    else:
        yield dataset


def _pruned(node: Any, key: str) -> Any:
    """The node without what a recipe is not made of, and without keys that say None: those are as if left out."""
    if _is_left_out(key):
        return None
    if isinstance(node, dict):
        inner = {name: _pruned(value, f'{key}.{name}' if key else str(name)) for name, value in node.items()}
        return {name: value for name, value in inner.items() if value is not None}
    if isinstance(node, (list, tuple)):
        return [_pruned(item, f'{key}.{number}') for number, item in enumerate(node)]
    return node


def _is_left_out(key: str) -> bool:
    parts = key.split('.')
    if parts[0].endswith('_dataloader') and set(parts) & set(_PLACES):
        return True
    return any(fnmatchcase(key, pattern) for pattern in (*OF_THE_BACKBONE, *_WITHOUT_EFFECT))
