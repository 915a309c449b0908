"""The recogniser against loops over views and closed forms of its loss."""

import weakref
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.video.recognisers import CLASSES, labelled, recogniser, videos


def normalised(frames: Tensor) -> Tensor:
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1, 1)
    return (frames.float() - mean) / std


def scores_one_by_one(model: Any, views: Tensor) -> Tensor:
    each = [model.backbone(normalised(view)[None])[-1].mean((2, 3, 4)) for view in views]
    return torch.stack([model.cls_head.fc_cls(x)[0].softmax(0) for x in each]).mean(0)


@torch.no_grad()
@pytest.mark.parametrize('limit', [1, 3, 100])
def test_predicts_the_mean_over_views(limit: int) -> None:
    model = recogniser(max_views_per_batch=limit).eval()
    inputs = [*videos(3, 1), *videos(0), *videos(2, side=32), *videos(4)]
    found = model.test_step({'inputs': inputs, 'data_samples': labelled(0, 1, 2, 3, 4)})
    for sample, views in zip(found, inputs, strict=True):
        assert ('pred_scores' in sample) == bool(len(views))
        if len(views):
            torch.testing.assert_close(sample.pred_scores, scores_one_by_one(model, views))


class LiveBytes(TorchDispatchMode):
    """The most bytes of tensors that lived at once, of those made inside."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {leaf.untyped_storage()._cdata for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self.known | given:
                    self.known.add(storage._cdata)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._freed, storage._cdata, storage.nbytes())
                    self.peak = max(self.peak, self.now)
        return made

    def _freed(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


@torch.no_grad()
def test_memory_does_not_grow_with_views() -> None:
    model = recogniser(max_views_per_batch=2).eval()
    batches = {count: {'inputs': videos(count), 'data_samples': labelled(0)} for count in (2, 4, 12)}
    model.test_step(batches[4])  # tables are made once
    peaks = {}
    for count, batch in batches.items():
        with LiveBytes() as live:
            model.test_step(batch)
        peaks[count] = live.peak
    assert peaks[2] > 2 * 4 * 3 * 4 * 24 * 24  # two views in float32 at least
    assert peaks[12] <= peaks[4] <= peaks[2] * 1.01


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_loss_equals_its_closed_form(smoothing: float) -> None:
    model = recogniser(head={'dropout': 0.0, 'label_smoothing': smoothing}).train()
    inputs, labels = videos(1, 1, 2), [3, 0, 6]
    data = model.data_preprocessor({'inputs': inputs, 'data_samples': labelled(*labels)}, training=True)
    losses = model(**data, mode='loss')
    logs = model.cls_head(model.backbone(normalised(torch.cat(inputs)))[-1]).log_softmax(1)
    expected = []
    for row, label in zip(logs, [3, 0, 6, 6], strict=True):
        target = [smoothing / CLASSES + (1 - smoothing) * (each == label) for each in range(CLASSES)]
        expected.append(-sum(share * value for share, value in zip(target, row, strict=True)))
    torch.testing.assert_close(losses['loss_cls'], torch.stack(expected).mean())
    right = (logs.argmax(1) == torch.tensor([3, 0, 6, 6])).float().mean() * 100
    torch.testing.assert_close(losses['acc_top1'], right)


def test_every_parameter_gets_a_gradient() -> None:
    model = recogniser().train()
    data = model.data_preprocessor({'inputs': videos(1, 1), 'data_samples': labelled(1, 2)}, training=True)
    model(**data, mode='loss')['loss_cls'].backward()
    assert not [name for name, each in model.named_parameters() if each.requires_grad and each.grad is None]


@torch.no_grad()
def test_sees_frame_by_frame_with_a_backbone_for_images() -> None:
    backbone = {'type': 'swin_dense.SwinTransformer', 'arch': {'embed_dims': 8, 'depths': (2, 2), 'num_heads': (1, 2)},
                'window_size': 3, 'out_indices': (1,)}  # fmt: skip
    model = recogniser(backbone=backbone).eval()
    clips = torch.randn(2, 3, 4, 24, 24)
    found = model(clips)
    for frame in range(4):
        torch.testing.assert_close(found[:, :, frame], model.backbone(clips[:, :, frame])[-1])


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r'max_views_per_batch .* got 0'):
        recogniser(max_views_per_batch=0)
    with pytest.raises(ValueError, match=r'label_smoothing .* got 1'):
        recogniser(head={'label_smoothing': 1})
    model = recogniser()
    data = {'inputs': [*videos(1), *videos(1, side=32)], 'data_samples': labelled(0, 1)}
    with pytest.raises(ValueError, match=r'different sizes .* \(3, 4, 24, 24\), \(3, 4, 32, 32\)'):
        model.data_preprocessor(data, training=True)
