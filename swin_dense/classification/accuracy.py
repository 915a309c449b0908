"""Accuracy of classifiers and recognisers: top-1, top-5, mean over classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from swin_dense.engine.errors import DataError
from swin_dense.evaluation.class_data import ClassData, class_data
from swin_dense.evaluation.image_names import image_names
from swin_dense.registry import METRICS

_SHOWN = 5


@METRICS.register_module()
class TopKAccuracy(BaseMetric):
    """Shares in percent: `top1`, `top5`, `mean_class` (the mean over the classes that occur of their top-1).

    An image or a video that could not be read counts as wrong; `broken` is the number of those, and the log names them.
    Scores that are not finite end the evaluation. Of equal scores, the class with the smaller number goes first.

    Args:
        topk: each gives a share `topK`; those above the number of classes would be 100 and are left out.

    Attributes:
        found: of each file of the latest evaluation, in the main process.
    """

    default_prefix = 'acc'
    found: ClassData | None = None

    def __init__(self, *, topk: Sequence[int] = (1, 5), collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device, prefix)
        if not topk or min(topk) < 1:
            raise ValueError(f'topk are whole numbers from 1; got {topk}.')
        self.topk = tuple(topk)

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            if 'gt_label' not in sample:
                raise DataError(f'{sample.get("path")}: it has no label to compare with.')
            scores = None if 'pred_scores' not in sample else sample['pred_scores'].float().cpu().numpy()
            if scores is not None and not np.isfinite(scores).all():
                raise FloatingPointError(f'{sample.get("path")}: its scores are not finite.')
            label, path = int(sample['gt_label']), str(sample.get('path'))
            rank = _rank(scores, label, path)
            predicted, num_classes = (-1, 0) if scores is None else (int(scores.argmax()), len(scores))
            self.results.append((path, label, predicted, rank, num_classes, sample.get('broken')))

    def compute_metrics(self, results: list) -> dict[str, float]:
        paths, label_list, predictions, rank_list, counts, reasons = zip(*results, strict=True)
        labels, ranks, num_classes = np.array(label_list), np.array(rank_list), max(counts)
        self.found = class_data(image_names(paths), label_list, predictions, rank_list, num_classes)
        values = {f'top{k}': 100 * float(np.mean(ranks < k)) for k in self.topk if k == 1 or k < num_classes}
        values['mean_class'] = 100 * float(np.mean([np.mean(ranks[labels == each] == 0) for each in np.unique(labels)]))
        broken = [
            f'{path} ({reason})' for path, rank, reason in zip(paths, ranks, reasons, strict=True) if rank == np.inf
        ]
        if broken:
            more = f' and {len(broken) - _SHOWN} more' if len(broken) > _SHOWN else ''
            MMLogger.get_current_instance().warning(
                f'{len(broken)} files could not be read and count as wrong: {", ".join(broken[:_SHOWN])}{more}'
            )
        values['broken'] = float(len(broken))
        return values


def _rank(scores: np.ndarray | None, label: int, path: str) -> float:
    """The place of `label` among the classes, from 0."""
    if scores is None:
        return np.inf
    if not 0 <= label < len(scores):
        raise DataError(f'{path}: the label {label} is none of the {len(scores)} classes of the model.')
    return float(np.sum(scores > scores[label]) + np.sum(scores[:label] == scores[label]))
