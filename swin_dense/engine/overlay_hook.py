"""A few pictures of what a model predicts, drawn while it is tested."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import mmcv
import torch
from mmengine.hooks import Hook
from mmengine.registry import VISUALIZERS
from mmengine.runner import Runner
from mmengine.structures import PixelData

from swin_dense.registry import HOOKS

# Names are drawn in a size of their own: on a picture smaller than this they would cover it.
LEAST_LONG_SIDE = 720


@HOOKS.register_module()
class OverlayHook(Hook):
    """Draws the predictions of `count` samples, evenly spread over the test set, into `work_dir/overlays`.

    Args:
        visualizer: config of mmdet's `DetLocalVisualizer` or mmseg's `SegLocalVisualizer`.
        count: number of pictures.
        score_thr: detections below it are not drawn.
    """

    priority = 'VERY_LOW'

    def __init__(self, *, visualizer: dict[str, Any], count: int = 8, score_thr: float = 0.5) -> None:
        self.visualizer_cfg = visualizer
        self.count = count
        self.score_thr = score_thr
        self._samples_seen = 0

    def before_test(self, runner: Runner) -> None:
        self._samples_seen = 0
        self._visualizer = VISUALIZERS.build(dict(self.visualizer_cfg, name='overlays'))
        self._visualizer.dataset_meta = runner.test_dataloader.dataset.metainfo

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[Any] | None = None
    ) -> None:
        total = len(runner.test_dataloader.dataset)
        chosen = {number * total // self.count for number in range(self.count)}
        for sample in outputs or ():
            if self._samples_seen in chosen:
                self._draw(sample, Path(runner.work_dir) / 'overlays')
            self._samples_seen += 1

    def _draw(self, sample: Any, folder: Path) -> None:
        image = mmcv.imread(sample.img_path, channel_order='rgb')
        factor = max(1, -(-LEAST_LONG_SIDE // max(image.shape[:2])))
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        folder.mkdir(parents=True, exist_ok=True)
        self._visualizer.add_datasample(
            sample.img_path,
            image,
            _enlarged(sample.cpu(), factor),
            draw_gt=False,
            out_file=str(folder / f'{Path(sample.img_path).stem}.png'),
            **({'pred_score_thr': self.score_thr} if 'pred_instances' in sample else {'with_labels': False}),
        )


def _enlarged(sample: Any, factor: int) -> Any:
    """The predictions for an image `factor` times as large."""
    sample = sample.clone()
    if 'pred_instances' in sample:
        instances = sample.pred_instances
        instances.bboxes = instances.bboxes * factor
        if 'masks' in instances:
            instances.masks = _repeated(torch.as_tensor(instances.masks), factor)
    if 'pred_sem_seg' in sample:
        sample.pred_sem_seg = PixelData(data=_repeated(sample.pred_sem_seg.data, factor))
    return sample


def _repeated(maps: torch.Tensor, factor: int) -> torch.Tensor:
    """(..., H, W), each pixel `factor` x `factor` times."""
    return maps.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
