"""Accuracy of recognisers: top-1, top-5, mean over classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from swin_dense.engine.errors import DataError
from swin_dense.registry import METRICS

_SHOWN = 5


@METRICS.register_module()
class ClipAccuracy(BaseMetric):
    """Shares in percent: `top1`, `top5`, `mean_class` (the mean over the classes with videos of their top-1).

    A video that could not be read counts as wrong; `broken` is the number of those, and the log names them. Scores that
    are not finite end the evaluation. Of equal scores, the class with the smaller number goes first.

    Args:
        topk: each gives a share `topK`; those above the number of classes would be 100 and are left out.
    """

    default_prefix = 'acc'

    def __init__(self, *, topk: Sequence[int] = (1, 5), collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        if not topk or min(topk) < 1:
            raise ValueError(f'topk are whole numbers from 1; got {topk}.')
        self.topk = tuple(topk)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            if 'gt_label' not in sample:
                raise DataError(f'{sample.get("path")}: the video has no label to compare with.')
            scores = None if 'pred_scores' not in sample else sample['pred_scores'].float().cpu().numpy()
            if scores is not None and not np.isfinite(scores).all():
                raise FloatingPointError(f'{sample.get("path")}: the scores of the video are not finite.')
            self.results.append((int(sample['gt_label']), scores, sample.get('path'), sample.get('broken')))

    def compute_metrics(self, results: list) -> dict[str, float]:
        labels = np.array([label for label, *_ in results])
        num_classes = max([len(scores) for _, scores, *_ in results if scores is not None], default=0)
        ranks = np.array([_rank(scores, label) for label, scores, *_ in results])
        found = {f'top{k}': 100 * float(np.mean(ranks < k)) for k in self.topk if k == 1 or k < num_classes}
        found['mean_class'] = 100 * float(np.mean([np.mean(ranks[labels == each] == 0) for each in np.unique(labels)]))
        broken = [f'{path} ({reason})' for _, scores, path, reason in results if scores is None]
        if broken:
            more = f' and {len(broken) - _SHOWN} more' if len(broken) > _SHOWN else ''
            MMLogger.get_current_instance().warning(
                f'{len(broken)} videos could not be read and count as wrong: {", ".join(broken[:_SHOWN])}{more}'
            )
        found['broken'] = float(len(broken))
        return found


def _rank(scores: np.ndarray | None, label: int) -> float:
    """The place of `label` among the classes, from 0."""
    if scores is None:
        return np.inf
    if not 0 <= label < len(scores):
        raise DataError(f'the label {label} is none of the {len(scores)} classes of the model.')
    return float(np.sum(scores > scores[label]) + np.sum(scores[:label] == scores[label]))
