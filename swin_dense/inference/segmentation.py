"""Class scores of a segmentor for batches of images of one size, as chains of rows (see `rows`)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn

from swin_dense.inference.results import Segmentation
from swin_dense.inference.rows import (
    Cropped,
    Flipped,
    MeanProbability,
    Resized,
    Rows,
    Stored,
    Windows,
    label_map,
)
from swin_dense.inference.tiles import tile_grid
from swin_dense.layers.windows import Size

View = dict[str, Any]  # inputs, data_samples


class Segmenter:
    """The part of prediction that is particular to segmentors of mmseg."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        head: Any = model.decode_head[-1] if isinstance(model.decode_head, nn.ModuleList) else model.decode_head
        self.align_corners = bool(getattr(model, 'align_corners', False))
        self.threshold = getattr(head, 'threshold', None)
        # heads that turn their output into scores in a way of their own are asked for those, at the image's size
        self._gives_scores = (
            type(model)._forward is EncoderDecoder._forward
            and type(head).predict is BaseDecodeHead.predict
            and type(head).predict_by_feat is BaseDecodeHead.predict_by_feat
        )

    def predict(self, images: Sequence[Sequence[View]]) -> list[Rows]:
        """Scores at the size of each image, from its views; images have one size, and so have their n-th views."""
        seen = [self._predict_view([image[number] for image in images]) for number in range(len(images[0]))]
        if len(seen) == 1:
            return seen[0]
        return [MeanProbability(views) for views in zip(*seen, strict=True)]

    def finished(self, scores: Rows, budget_bytes: int) -> Segmentation:
        return Segmentation(label_map(scores, threshold=self.label_threshold(scores), budget_bytes=budget_bytes))

    def label_threshold(self, scores: Rows) -> float | None:
        """Where one channel is 'class 1': a probability; raw scores are taken to it first."""
        if scores.channels > 1 or self.threshold is None:
            return None
        if isinstance(scores, MeanProbability):
            return float(self.threshold)
        return float(torch.logit(torch.tensor(float(self.threshold), dtype=torch.float64)))

    def _predict_view(self, views: Sequence[View]) -> list[Rows]:
        batch = {'inputs': [view['inputs'] for view in views], 'data_samples': [view['data_samples'] for view in views]}
        data = self.model.data_preprocessor(batch, False)
        inputs, samples = data['inputs'], data['data_samples']
        test_cfg = self.model.test_cfg or {}
        if test_cfg.get('mode', 'whole') == 'slide':
            scores = self._slide(inputs, samples, test_cfg['crop_size'], test_cfg['stride'])
        else:
            scores = self._scores(inputs, samples)
        return [self._at_image(rows, sample.metainfo) for rows, sample in zip(scores, samples, strict=True)]

    def _scores(self, inputs: Tensor, samples: Sequence[Any]) -> list[Rows]:
        """Of each of (B, 3, H, W), its scores at H x W."""
        size = (inputs.shape[-2], inputs.shape[-1])
        if self._gives_scores:
            raw = self.model(inputs, mode='tensor')
        else:
            metas = [{**sample.metainfo, 'img_shape': size} for sample in samples]
            raw = self.model.encode_decode(inputs, metas)
        # a batch of scores lives as long as any part of it: each image gets memory of its own
        maps = raw.unbind(0) if len(raw) == 1 else [each.clone() for each in raw]
        return [Resized(Stored(each), size, align_corners=self.align_corners) for each in maps]

    def _slide(self, inputs: Tensor, samples: Sequence[Any], crop_size: Size, stride: Size) -> list[Rows]:
        """The mean over mmseg's windows."""
        size = (inputs.shape[-2], inputs.shape[-1])
        averages: list[Windows] = []
        for tile in tile_grid(size, crop_size, stride):
            crops = inputs[:, :, tile.top : tile.bottom, tile.left : tile.right]
            scores = self._scores(crops, samples)
            averages = averages or [Windows(size, rows.channels, self.device) for rows in scores]
            for average, rows in zip(averages, scores, strict=True):
                average.add(tile.top, tile.left, rows)
        return list(averages)

    def _at_image(self, scores: Rows, meta: dict[str, Any]) -> Rows:
        """Without padding, as the image lies, at its size: what `postprocess_result` of mmseg does."""
        left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', [0] * 4))
        if left or right or top or bottom:
            height, width = scores.size
            scores = Cropped(scores, top=top, left=left, size=(height - top - bottom, width - left - right))
        if meta.get('flip'):
            scores = Flipped(scores, meta['flip_direction'])
        return Resized(scores, tuple(meta['ori_shape'][:2]), align_corners=self.align_corners)
