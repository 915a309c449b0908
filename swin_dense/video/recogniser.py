"""Recognition of clips: a backbone and a head that names the action."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS

Config = dict[str, Any]


@MODELS.register_module()
class VideoRecogniser(BaseModel):
    """Names the action of a clip: the mean over its views of the head's probabilities.

    Args:
        backbone: a video backbone, which takes (B, C, T, H, W); one for images sees frame by frame, and the head takes
            the mean over the frames.
        cls_head: as `PooledHead`. Named like this in released files of Video Swin.
        data_preprocessor: as `ClipDataPreprocessor`.
        max_views_per_batch: in testing, at most this many views are on the device at a time, so that memory does not
            grow with the number of views of a video.
    """

    def __init__(
        self,
        *,
        backbone: Config,
        cls_head: Config,
        data_preprocessor: Config | None = None,
        max_views_per_batch: int = 4,
        init_cfg: Config | None = None,
    ) -> None:
        super().__init__(data_preprocessor or {'type': 'swin_dense.ClipDataPreprocessor'}, init_cfg)
        if max_views_per_batch < 1:
            raise ValueError(f'max_views_per_batch is a whole number from 1; got {max_views_per_batch}.')
        self.backbone = MODELS.build(backbone)
        self.cls_head = MODELS.build(cls_head)
        self.max_views_per_batch = max_views_per_batch

    def forward(self, inputs: Any, data_samples: Sequence[ClassSample] | None = None, mode: str = 'tensor') -> Any:
        """Losses, predictions, or features, as `mode` says.

        Args:
            inputs: mode 'loss' and 'tensor': (B, C, T, H, W), normalised. Mode 'predict': one uint8 (V, C, T, H, W) a
                video, V views.
            data_samples: one a clip ('loss') or a video ('predict').
        """
        if mode == 'loss':
            assert data_samples is not None
            return self.cls_head.loss(self.features(inputs), data_samples)
        if mode == 'predict':
            return self._predicted(inputs, data_samples or [ClassSample() for _ in inputs])
        if mode == 'tensor':
            return self.features(inputs)
        raise ValueError(f"mode is 'loss', 'predict' or 'tensor'; got {mode!r}.")

    def features(self, clips: Tensor) -> Tensor:
        """(B, C, T, H, W) -> the last level of the backbone, (B, D, T', H', W')."""
        if hasattr(self.backbone, 'temporal_stride'):
            return self.backbone(clips)[-1]
        batch, frames = clips.shape[0], clips.shape[2]
        maps = self.backbone(clips.transpose(1, 2).flatten(0, 1))[-1]
        return maps.unflatten(0, (batch, frames)).transpose(1, 2)

    def _predicted(self, inputs: Sequence[Tensor], samples: Sequence[ClassSample]) -> list[ClassSample]:
        """Put `pred_scores`, (number of classes,), into each sample with a view; those of broken videos have none."""
        sums: dict[int, Tensor] = {}
        for chunk in _chunks(inputs, self.max_views_per_batch):
            # a function of its own: what it works with is gone before the next chunk
            scores = self._scores([inputs[video][view] for video, view in chunk])
            for (video, _), each in zip(chunk, scores, strict=True):
                sums[video] = sums[video] + each if video in sums else each
        for number, sample in enumerate(samples):
            if number in sums:
                sample.pred_scores = sums[number] / len(inputs[number])
        return list(samples)

    def _scores(self, views: Sequence[Tensor]) -> Tensor:
        return self.cls_head.scores(self.features(self.data_preprocessor.normalised(torch.stack(list(views)))))


def _chunks(inputs: Sequence[Tensor], limit: int) -> Iterator[list[tuple[int, int]]]:
    """(video, view) of all views in their order, in groups of one shape and at most `limit`."""
    chunk: list[tuple[int, int]] = []
    for video, views in enumerate(inputs):
        for view in range(len(views)):
            if chunk and (len(chunk) == limit or inputs[chunk[0][0]].shape[1:] != views.shape[1:]):
                yield chunk
                chunk = []
            chunk.append((video, view))
    if chunk:
        yield chunk
