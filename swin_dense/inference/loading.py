"""From a config and a checkpoint to a model that predicts, and the names and colours of its classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS, DefaultScope
from torch import nn

from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.surroundings import with_own_names
from swin_dense.costs.models import build_model
from swin_dense.datasets.palettes import checked_palette
from swin_dense.engine.checkpoint_files import newest_checkpoint, trained_classes
from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.config_options import RUNNER_KEYS, merge_options
from swin_dense.engine.settings import load_config, recipe, recipe_hash
from swin_dense.engine.states import put_weights
from swin_dense.inference.carried_config import carried_config


@dataclass(frozen=True)
class LoadedModel:
    """A model with its weights, and what is known of it.

    Attributes:
        model: in evaluation mode, on its device.
        cfg: its config.
        classes: names, in the order of the labels.
        palette: (number of classes, 3) uint8 RGB.
        identity: config, config_hash, checkpoint, checkpoint_sha256, trained_iterations.
        notes: sentences for the user.
    """

    model: Any  # of mmdet or mmseg
    cfg: Config
    classes: tuple[str, ...]
    palette: np.ndarray
    identity: dict[str, Any]
    notes: tuple[str, ...]


def load_model(
    config: str | Path | None,
    checkpoint: str | Path,
    *,
    device: str | torch.device,
    cfg_options: Mapping[str, Any] | None = None,
) -> LoadedModel:
    """Build the model of `config` with the weights of `checkpoint`, which have to fit exactly.

    Args:
        config: None takes the one that the checkpoint carries.
        checkpoint: path, URL, or a work dir: its newest. Where weights were averaged (EMA), the averages are loaded.
        cfg_options: dotted key -> value, as `--cfg-options`.
    """
    path = _file(checkpoint)
    content = read_checkpoint(path)
    meta = content.get('meta') if isinstance(content.get('meta'), Mapping) else {}
    assert meta is not None
    if config is None:
        cfg = carried_config(meta, str(checkpoint))
    else:
        cfg = load_config(config)
    merge_options(cfg, dict(cfg_options or {}))
    cfg.setdefault('default_scope', 'mmdet')
    fill_classes(cfg, known=trained_classes(meta), read_files=config is not None)
    model = revert_sync_batchnorm(build_model(cfg, 'cpu'))
    state = content.get('state_dict', content)
    state = {name.removeprefix('module.'): value for name, value in state.items() if isinstance(value, torch.Tensor)}
    state, _ = with_own_names(state, model.state_dict().keys())  # files of official detectors, and of mmdet's
    put_weights(model, state, source=str(checkpoint), other_sizes_allowed=False)
    model.eval()
    classes, palette, notes = _names(model, meta, cfg)
    identity = {
        'config': None if config is None else str(config),
        'config_hash': recipe_hash(recipe(cfg, RUNNER_KEYS)),
        'checkpoint': str(checkpoint),
        'checkpoint_sha256': digest(path),
        'trained_iterations': meta.get('iter'),
    }
    return LoadedModel(model.to(device), cfg, classes, palette, identity, notes)


def _file(checkpoint: str | Path) -> Path:
    path = local_file(checkpoint)
    found = newest_checkpoint(path) if path.is_dir() else path
    if found is None:
        raise FileNotFoundError(f'the folder {str(checkpoint)!r} holds no whole checkpoint of a training run')
    return found


def _names(
    model: nn.Module, meta: Mapping[str, Any], cfg: Config
) -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Class names and colours: the checkpoint's, else those of the config's data set, else numbers."""
    count = class_count(model)
    saved = {str(key).lower(): value for key, value in (meta.get('dataset_meta') or meta).items()}
    configured = _dataset_names(cfg)
    notes = []
    for source, names in (('the checkpoint', saved), ("the config's data set", configured)):
        classes = names.get('classes')
        if classes is None or isinstance(classes, str):
            continue
        if count is not None and len(classes) != count:
            notes.append(f'{source} names {len(classes)} classes and the model has {count}: the names are not used')
            continue
        palette = names.get('palette')
        palette = palette if palette is not None and len(palette) == len(classes) else None
        return tuple(map(str, classes)), checked_palette(palette, len(classes)), tuple(notes)
    notes.append('neither the checkpoint nor the config names the classes: they are called class_0, class_1, ...')
    if count is None:
        raise ValueError(
            'neither the checkpoint, nor the config, nor the heads of the model say how many classes there are.'
        )
    return tuple(f'class_{number}' for number in range(count)), checked_palette(None, count), tuple(notes)


def class_count(model: nn.Module) -> int | None:
    """How many classes the heads of `model` tell apart; None where they do not say."""
    for path in ('decode_head', 'roi_head.bbox_head', 'bbox_head', 'cls_head'):
        head: Any = model
        for name in path.split('.'):
            head = getattr(head, name, None)
        if isinstance(head, Sequence | nn.ModuleList) and len(head):
            head = head[-1]
        if isinstance(getattr(head, 'num_classes', None), int):
            return head.num_classes
    return None


def _dataset_names(cfg: Config) -> dict[str, Any]:
    """What the test set of the config calls its classes: its `metainfo`, else that of its type."""
    dataset = (cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}).get('dataset') or {}
    while 'type' in dataset and 'metainfo' not in dataset and ('dataset' in dataset or 'datasets' in dataset):
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    names = dict(dataset.get('metainfo') or {})
    if 'classes' not in names and isinstance(dataset.get('type'), str):
        # asked for as when it is built: in the registry of the scope
        with DefaultScope.overwrite_default_scope(cfg.default_scope), DATASETS.switch_scope_and_registry(None) as known:
            kind = known.get(dataset['type'])
        names = {**(getattr(kind, 'METAINFO', None) or {}), **names}
    return names
