"""A small recogniser for tests."""

from typing import Any

import torch
from mmengine.registry import DefaultScope

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS
from swin_dense.video.recogniser import VideoRecogniser

ARCH = {'embed_dims': 8, 'depths': (2, 2), 'num_heads': (1, 2)}
CLASSES = 7
BACKBONE = {
    'type': 'swin_dense.VideoSwinTransformer',
    'arch': ARCH,
    'window_size': (2, 3, 3),
    'out_indices': (1,),
    'drop_path_rate': 0.0,
}


def recogniser(*, head: dict[str, Any] | None = None, **options: Any) -> VideoRecogniser:
    torch.manual_seed(0)
    config = {
        'type': 'swin_dense.VideoRecogniser',
        'backbone': BACKBONE,
        'cls_head': {'type': 'swin_dense.PooledHead', 'num_classes': CLASSES, 'in_channels': 16, **(head or {})},
        **options,
    }
    with DefaultScope.overwrite_default_scope('swin_dense'):
        model = MODELS.build(config)
    model.init_weights()
    with torch.no_grad():
        model.cls_head.fc_cls.weight.mul_(50)  # scores that tell classes apart
    return model


def videos(*views: int, frames: int = 4, side: int = 24) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (count, 3, frames, side, side), dtype=torch.uint8, generator=made) for count in views]


def labelled(*labels: int) -> list[ClassSample]:
    samples = [ClassSample(metainfo={'path': f'{number}.mp4'}) for number in range(len(labels))]
    for sample, label in zip(samples, labels, strict=True):
        sample.gt_label = torch.tensor(label)
    return samples
