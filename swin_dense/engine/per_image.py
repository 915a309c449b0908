"""What `tools/test.py --per-image` keeps of every image, so that runs can be compared with intervals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.evaluator import Evaluator

from swin_dense.classification.accuracy import TopKAccuracy
from swin_dense.evaluation.class_data import ClassData, save_class_data
from swin_dense.evaluation.coco_metric import CocoMetric
from swin_dense.evaluation.confusion import ConfusionData, save_confusion_data
from swin_dense.evaluation.iou_metric import IoUMetric
from swin_dense.evaluation.match_data import MatchData, save_match_data

CONFUSION = 'confusion'
CLASSES = 'classes'
_COCO = 'swin_dense.CocoMetric'
_IOU = 'swin_dense.IoUMetric'
_CLIP_IOU = 'swin_dense.ClipIoUMetric'  # of whole videos
_TOP_K = 'swin_dense.TopKAccuracy'
# mmseg's metric, for which this package's is the same with the matrices kept
_SAME_AS_IOU = {'mmseg.IoUMetric', 'IoUMetric'}


def keep_per_image(cfg: Config) -> None:
    """Have the metrics of `test_evaluator` keep what they found in each image.

    Raises:
        ValueError: none of them can.
    """
    evaluator = cfg.get('test_evaluator')
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    kept = [_keeping(metric) for metric in metrics if isinstance(metric, dict)]
    if not any(metric['type'] in (_COCO, _IOU, _CLIP_IOU, _TOP_K) for metric in kept):
        raise ValueError(
            f'--per-image: test_evaluator of {cfg.filename} has {", ".join(str(each.get("type")) for each in kept)}, '
            f'which keeps nothing of each image. Those that do are {_COCO}, {_IOU}, {_CLIP_IOU} and {_TOP_K}.'
        )
    cfg.test_evaluator = kept


def _keeping(metric: dict[str, Any]) -> dict[str, Any]:
    kind = metric.get('type')
    if kind == _COCO:
        return {**metric, 'keep_matches': True}
    return {**metric, 'type': _IOU} if kind in _SAME_AS_IOU else dict(metric)


def save_per_image(evaluator: Evaluator, folder: str | Path) -> list[Path]:
    """Write what the metrics kept: `bbox.npz` and `segm.npz`, `confusion.npz`, or `classes.npz`.

    For the main process alone.

    Raises:
        ValueError: two metrics have the same to say.
    """
    saves: dict[Path, tuple[Callable[..., None], MatchData | ConfusionData | ClassData]] = {}
    for metric in evaluator.metrics:
        found: list[tuple[str, Callable[..., None], Any]] = []
        if isinstance(metric, CocoMetric):
            found = [(kind, save_match_data, matches) for kind, matches in metric.matches.items()]
        elif isinstance(metric, IoUMetric) and metric.confusions is not None:
            found = [(CONFUSION, save_confusion_data, metric.confusions)]
        elif isinstance(metric, TopKAccuracy) and metric.found is not None:
            found = [(CLASSES, save_class_data, metric.found)]
        for name, save, data in found:
            path = Path(folder, f'{name}.npz')
            if path in saves:
                raise ValueError(
                    f'--per-image: two metrics of test_evaluator would write {path}. Take one of them out.'
                )
            saves[path] = (save, data)
    for path, (save, data) in saves.items():
        save(data, path)
    return list(saves)
