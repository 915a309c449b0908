"""Tiny detectors and segmentors with random weights, as checkpoints on the disk; and what mmdet and mmseg predict."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope

from swin_dense.costs.models import build_model
from swin_dense.engine.config_options import RUNNER_KEYS
from swin_dense.engine.settings import load_config, recipe

CONFIGS = Path(__file__).parents[2] / 'configs'
DEMO = {'detection': 'demo/mask_rcnn_swin_demo.py', 'segmentation': 'demo/upernet_swin_demo.py'}


def demo_config(task: str, **changes: Any) -> Config:
    cfg = load_config(CONFIGS / DEMO[task])
    cfg.merge_from_dict(changes)
    return cfg


def write_checkpoint(path: Path, cfg: Config, *, with_config: bool = True, dataset_meta: Any = None) -> Path:
    """A checkpoint as training writes it, of a model with random weights."""
    torch.manual_seed(0)
    model = build_model(cfg, 'cpu')
    for module in model.modules():  # running statistics as of some data, which random features do not have
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    for name, parameter in model.named_parameters():
        if name.endswith(('conv_seg.weight', 'fc_cls.weight', 'conv_logits.weight')):
            torch.nn.init.normal_(parameter, std=0.3)
    if dataset_meta is None:
        dataset_meta = {'classes': tuple(cfg.classes), 'palette': [tuple(color) for color in cfg.palette]}
    meta = {'dataset_meta': dataset_meta, 'iter': 7}
    if with_config:
        meta |= {'cfg': cfg.pretty_text, 'recipe': recipe(cfg, RUNNER_KEYS)}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, path)
    return path


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8 RGB: blobs of colour."""
    small = np.random.default_rng(seed).integers(0, 256, (max(height // 12, 1), max(width // 12, 1), 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def published_prediction(cfg: Config, checkpoint: Path, image: np.ndarray, path: Path) -> Any:
    """The sample that the model's own test step gives for a file with the pixels of `image`."""
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    model = build_model(cfg, 'cpu')
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    return predicted_by(model, cfg, [path])[0]


def predicted_by(model: Any, cfg: Config, paths: list[Path]) -> list[Any]:
    steps = [_without_truth(step) for step in cfg.test_dataloader.dataset.pipeline if 'Annotations' not in step['type']]
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        pipeline = Compose(steps)
    samples = [
        pipeline({'img_path': str(path), 'flip': False, 'flip_direction': None, 'scale_factor': (1.0, 1.0)})
        for path in paths
    ]
    with torch.inference_mode():
        return model.test_step(pseudo_collate(samples))


def _without_truth(step: Any) -> Any:
    if isinstance(step, (list, tuple)):
        return [_without_truth(each) for each in step if not (isinstance(each, dict) and 'Annot' in each['type'])]
    step = dict(step)
    if 'transforms' in step:
        step['transforms'] = [each for each in _without_truth(step['transforms']) if each]
    if step['type'].startswith('Pack'):
        step['meta_keys'] = ('img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'flip_direction')
    return step
