"""Small classifiers for tests."""

from typing import Any

import torch
from mmengine.registry import DefaultScope

from swin_dense.classification.classifier import ImageClassifier
from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS

CLASSES = 7
ARCH = {'embed_dims': 8, 'depths': (2, 2), 'num_heads': (1, 2), 'window_size': 3}
BACKBONE = {'type': 'swin_dense.SwinTransformer', 'arch': ARCH, 'out_indices': (1,), 'drop_path_rate': 0.0}


def classifier(
    *,
    backbone: dict[str, Any] | None = None,
    num_classes: int = CLASSES,
    head: dict[str, Any] | None = None,
    in_channels: int = 16,
    **options: Any,
) -> ImageClassifier:
    torch.manual_seed(0)
    config = {
        'type': 'swin_dense.ImageClassifier',
        'backbone': backbone or BACKBONE,
        'cls_head': {
            'type': 'swin_dense.PooledHead',
            'num_classes': num_classes,
            'in_channels': in_channels,
            'dropout': 0.0,
            **(head or {}),
        },
        **options,
    }
    with DefaultScope.overwrite_default_scope('swin_dense'):
        return MODELS.build(config)


def labelled(*labels: int) -> list[ClassSample]:
    samples = [ClassSample(metainfo={'path': f'{number}.jpg'}) for number in range(len(labels))]
    for sample, label in zip(samples, labels, strict=True):
        sample.gt_label = torch.tensor(label)
    return samples


def pictures(count: int, *, height: int = 24, width: int = 40) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=made) for _ in range(count)]
