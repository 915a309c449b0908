"""A small model and data set with everything that makes runs differ: dropout, drop path, random augmentation, norms."""

import random
import time
from collections import OrderedDict
from typing import ClassVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch.utils.data import Dataset

SAMPLES = 11  # odd: the last batch of an epoch is smaller


@DATASETS.register_module(force=True)
class ToyDataset(Dataset):
    """Vectors, augmented with all three generators; `get_data_info` serves AspectRatioBatchSampler."""

    metainfo: ClassVar = {'classes': ('cat', 'dog'), 'palette': [(1, 2, 3), (4, 5, 6)]}

    def __init__(self, size: int = SAMPLES, poison: tuple = (), augment: bool = True) -> None:
        self.size = size
        self.augment = augment
        self.poison = tuple(poison)

    def __len__(self) -> int:
        return self.size

    def get_data_info(self, index: int) -> dict:
        return {'width': 2 + 2 * (index % 2), 'height': 3, 'sample_idx': index}

    def __getitem__(self, index: int) -> dict:
        base = torch.linspace(-1, 1, 6) * (index + 1) / self.size
        noise = random.random() + np.random.rand() + torch.rand(6)
        inputs = base + 0.3 * noise if self.augment else base
        if index in self.poison:
            inputs = inputs * float('nan')
        return {'inputs': inputs, 'target': torch.tensor([float(index % 2)]), 'index': index}


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    def __init__(self, sync_bn: bool = False, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        norm = torch.nn.SyncBatchNorm(8) if sync_bn else torch.nn.LayerNorm(8)
        self.backbone = torch.nn.Sequential(
            OrderedDict(linear=torch.nn.Linear(6, 8), norm=norm, act=torch.nn.GELU(), dropout=torch.nn.Dropout(0.3))
        )
        self.head = torch.nn.Linear(8, 1)
        self.dtypes: list = []

    def forward(self, inputs: list, target: list, index: list, mode: str = 'tensor') -> object:
        time.sleep(self.seconds)
        features = self.backbone(torch.stack(list(inputs)))
        if self.training:  # drop path: whole samples
            features = features * (torch.rand(len(features), 1) > 0.2)
        output = self.head(features)
        self.dtypes.append(output.dtype)
        if mode == 'loss':
            return {'loss': (output.float() - torch.stack(list(target))).square().mean()}
        return [{'score': float(value), 'index': int(i)} for value, i in zip(output, index, strict=True)]


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    default_prefix = 'toy'

    def process(self, data_batch: object, data_samples: list) -> None:
        self.results.extend(data_samples)

    def compute_metrics(self, results: list) -> dict:
        return {'mean': float(np.mean([result['score'] for result in results]))}


def toy_config(
    work_dir: object, *, iterations: int | None = None, epochs: int | None = None, **changes: object
) -> Config:
    """A config of this package's runner; `changes` are dotted keys with `__` for the dot."""
    by_epoch = epochs is not None
    loader = {
        'batch_size': 2,
        'num_workers': 0,
        'collate_fn': {'type': 'pseudo_collate'},
        'dataset': {'type': 'ToyDataset'},
        'sampler': {'type': 'DefaultSampler' if by_epoch else 'InfiniteSampler', 'shuffle': True},
    }
    loop = {'type': 'swin_dense.EpochTrainLoop', 'max_epochs': epochs, 'val_interval': 1}
    if not by_epoch:
        loop = {'type': 'swin_dense.IterTrainLoop', 'max_iters': iterations, 'val_interval': 4}
    evaluated = {
        **loader,
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        'dataset': {'type': 'ToyDataset', 'augment': False},
    }
    values = {
        'default_scope': 'mmengine',
        'work_dir': str(work_dir),
        'randomness': {'seed': 3},
        'model': {'type': 'ToyModel'},
        'train_dataloader': loader,
        'val_dataloader': evaluated,
        'test_dataloader': evaluated,
        'train_cfg': loop,
        'val_cfg': {},
        'test_cfg': {},
        'val_evaluator': {'type': 'ToyMetric'},
        'test_evaluator': {'type': 'ToyMetric'},
        'optim_wrapper': {
            'type': 'swin_dense.OptimWrapper',
            'constructor': 'swin_dense.ParameterGroups',
            'optimizer': {'type': 'AdamW', 'lr': 0.02, 'weight_decay': 0.05},
            'accumulative_counts': 3,
            'clip_grad': {'max_norm': 1.0},
        },
        'param_scheduler': [
            {'type': 'LinearLR', 'start_factor': 0.1, 'by_epoch': False, 'begin': 0, 'end': 6},
            {'type': 'MultiStepLR', 'by_epoch': by_epoch, 'milestones': [1], 'gamma': 0.5},
        ],
        'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.2}],
        'default_hooks': {
            'logger': {'type': 'LoggerHook', 'interval': 2},
            'checkpoint': {'type': 'swin_dense.CheckpointHook', 'interval': 1000, 'by_epoch': by_epoch},
        },
        'visualizer': {'type': 'Visualizer', 'vis_backends': [{'type': 'LocalVisBackend'}]},
    }
    cfg = Config(values)
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg
