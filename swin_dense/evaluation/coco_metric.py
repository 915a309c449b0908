"""COCO box and mask AP: mmdet's results and names, faster-coco-eval's matching, the dataset's own ground truth.

Differences from mmdet's CocoMetric: there is no `ann_file` (a second path to keep in step with the dataset's); only the
images of the dataset are counted; numbers are not rounded; no prediction at all is 0 and said so, not a missing metric;
an `area` that is missing or 0 is computed; an object of id 0 can be found (pycocotools takes 0 for "not found").
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from mmdet.evaluation import CocoMetric as MmdetCocoMetric
from mmengine.fileio import get_text
from mmengine.logging import MMLogger

from swin_dense.datasets.coco_json import complete_annotations
from swin_dense.evaluation.match_data import MatchData
from swin_dense.evaluation.matching import match_data
from swin_dense.registry import METRICS

# places in the summary of pycocotools
SUMMARY = {'mAP': 0, 'mAP_50': 1, 'mAP_75': 2, 'mAP_s': 3, 'mAP_m': 4, 'mAP_l': 5}


def _silent(*text: Any) -> None:
    pass


@METRICS.register_module()
class CocoMetric(MmdetCocoMetric):
    """Average precision of boxes and masks.

    Args:
        metric: `bbox`, `segm` or both.
        classwise: log a table of AP by class.
        collect_device: `cpu` or `gpu`, where the results of the ranks meet.
        prefix: put before every metric's name, with a slash.
        keep_matches: keep in `matches` what each detection was matched to, from which scores of any images follow.

    Attributes:
        matches: of the latest evaluation, by kind (`bbox`, `segm`), in the main process.
    """

    def __init__(
        self,
        *,
        metric: str | Sequence[str] = 'bbox',
        classwise: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        keep_matches: bool = False,
    ) -> None:
        metrics = [metric] if isinstance(metric, str) else list(metric)
        if unknown := set(metrics) - {'bbox', 'segm'}:
            raise ValueError(
                f'metric of swin_dense.CocoMetric is bbox, segm or both, not {", ".join(sorted(unknown))}.'
            )
        super().__init__(metric=metrics, classwise=classwise, collect_device=collect_device, prefix=prefix)
        self.keep_matches = keep_matches
        self.matches: dict[str, MatchData] = {}

    def bind_dataset(self, dataset: Any) -> None:
        """Take the ground truth from the dataset that is evaluated."""
        content = json.loads(get_text(dataset.ann_file, backend_args=dataset.backend_args))
        complete_annotations(content)
        for number, annotation in enumerate(content['annotations'], 1):
            annotation['id'] = number  # the matching marks what it did not match by 0, an id that files may have
        self._coco_api = COCO(content, print_function=_silent)
        self.cat_ids = list(dataset.cat_ids)
        self.img_ids = [dataset.get_data_info(index)['img_id'] for index in range(len(dataset))]
        if not self._coco_api.getAnnIds(imgIds=self.img_ids, catIds=self.cat_ids, iscrowd=False):
            raise ValueError(
                f'{dataset.ann_file} has no annotation of the classes {", ".join(dataset.metainfo["classes"])} in the '
                f'{len(self.img_ids)} images of the dataset: its mAP is undefined.'
            )

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        if self._coco_api is None:
            raise ValueError('swin_dense.CocoMetric needs its dataset: metric.bind_dataset(dataset) before evaluation.')
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        predictions = [prediction for _, prediction in results]
        metrics: dict[str, float] = {}
        for kind in self.metrics:
            detections = self._detections(predictions, masks=kind == 'segm')
            if not detections:
                MMLogger.get_current_instance().warning(
                    f'the model predicted nothing on any of the {len(predictions)} images: {kind} mAP is 0. '
                    'Early in training that is usual.'
                )
                metrics.update({f'{kind}_{name}': 0.0 for name in SUMMARY})
                if self.keep_matches:
                    nothing = COCO({**self._coco_api.dataset, 'annotations': []}, print_function=_silent)
                    self._compare(nothing, kind)
                continue
            metrics.update(self._evaluate(detections, kind))
        return metrics

    def _detections(self, predictions: Sequence[dict], *, masks: bool) -> list[dict]:
        detections = []
        for prediction in predictions:
            if masks and 'masks' not in prediction:
                raise ValueError("the model predicts no masks: take 'segm' out of the metric of swin_dense.CocoMetric.")
            scores = prediction.get('mask_scores', prediction['scores']) if masks else prediction['scores']
            for i, label in enumerate(prediction['labels']):
                detection = {
                    'image_id': prediction['img_id'],
                    'category_id': self.cat_ids[label],
                    'score': float(scores[i]),
                }
                if masks:  # without the box, so that areas are those of the masks
                    detection['segmentation'] = prediction['masks'][i]
                else:
                    detection['bbox'] = self.xyxy2xywh(prediction['bboxes'][i])
                detections.append(detection)
        return detections

    def _compare(self, found: COCO, kind: str) -> COCOeval_faster:
        evaluation = COCOeval_faster(self._coco_api, found, kind, print_function=_silent)
        evaluation.params.catIds = self.cat_ids
        evaluation.params.imgIds = self.img_ids
        evaluation.params.maxDets = list(self.proposal_nums)
        evaluation.params.iouThrs = self.iou_thrs
        evaluation.evaluate()
        if self.keep_matches:
            self.matches[kind] = match_data(evaluation)
        return evaluation

    def _evaluate(self, detections: list[dict], kind: str) -> dict[str, float]:
        evaluation = self._compare(self._coco_api.loadRes(detections), kind)
        evaluation.accumulate()
        evaluation.summarize()
        if self.classwise:
            self._log_classes(evaluation.eval['precision'], kind)
        # -1 is pycocotools' mark for sizes without ground truth: no number, not a bad one
        stats = [float(value) if value > -1 else float('nan') for value in evaluation.stats]
        return {f'{kind}_{name}': stats[place] for name, place in SUMMARY.items()}

    def _log_classes(self, precisions: np.ndarray, kind: str) -> None:
        names = [self._coco_api.cats[number]['name'] for number in self.cat_ids]
        width = max(map(len, names))
        # (IoU thresholds, recalls, classes, areas, detections): classes are sorted by their ids in the file
        place_of = {number: place for place, number in enumerate(sorted(self.cat_ids))}
        rows = []
        for number, name in zip(self.cat_ids, names, strict=True):
            # all areas, the largest number of detections
            values = precisions[:, :, place_of[number], 0, -1]
            at_all, at_50 = (part[part > -1].mean() if (part > -1).any() else np.nan for part in (values, values[0]))
            rows.append(f'  {name:<{width}}  AP {at_all:6.3f}  AP50 {at_50:6.3f}')
        MMLogger.get_current_instance().info(f'{kind} by class\n' + '\n'.join(rows))
