"""Objects that a detector of mmdet finds in batches of images of one size; merging what tiles and views found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from mmcv.ops import batched_nms
from mmdet.models.roi_heads import CascadeRoIHead, HybridTaskCascadeRoIHead, StandardRoIHead
from mmengine.structures import InstanceData
from torch import Tensor

from swin_dense.inference.masks import RegionMask, cropped, keep_regions, mirrored
from swin_dense.inference.results import CroppedMask, Detections
from swin_dense.layers.windows import Size

View = dict[str, Any]  # inputs, data_samples

USUAL_IOU = 0.5  # above which boxes of a class are one object, where the model's own test does without NMS


@dataclass(frozen=True)
class Instances:
    """Objects of one image on the CPU, masks not pasted yet.

    Attributes:
        size: (height, width) of the image.
        boxes_xyxy: (N, 4).
        scores, labels: (N,).
        masks: None from detectors of boxes.
    """

    size: Size
    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    masks: tuple[RegionMask | CroppedMask, ...] | None

    def picked(self, indices: Tensor) -> 'Instances':
        masks = None if self.masks is None else tuple(self.masks[int(index)] for index in indices)
        return Instances(self.size, self.boxes_xyxy[indices], self.scores[indices], self.labels[indices], masks)

    def first(self, count: int) -> 'Instances':
        return self.picked(torch.arange(min(count, len(self.scores))))

    def finished(self) -> Detections:
        """Paste the masks, sort by score."""
        order = torch.argsort(self.scores, descending=True, stable=True)
        found = self.picked(order)
        masks = found.masks
        if masks is not None:
            masks = tuple(each.pasted(self.size) if isinstance(each, RegionMask) else each for each in masks)
        boxes, scores = found.boxes_xyxy.numpy().astype(np.float32), found.scores.numpy().astype(np.float32)
        return Detections(self.size, boxes, scores, found.labels.numpy().astype(np.int64), masks)


class Detector:
    """The part of prediction that is particular to detectors of mmdet."""

    def __init__(self, model: Any) -> None:
        self.model = model
        keep_regions(model)
        test_cfg = model.test_cfg or {}
        test_cfg = test_cfg.get('rcnn', None) or test_cfg
        nms = test_cfg.get('nms', None) or {}
        self.iou = float(nms.get('iou_threshold', USUAL_IOU))
        self.max_objects = int(test_cfg.get('max_per_img', 100))
        # mask heads that can be asked for the masks of any boxes; of others, masks of the surest view are taken
        self._masks_of_boxes = type(getattr(model, 'roi_head', None)) in (
            StandardRoIHead,
            CascadeRoIHead,
            HybridTaskCascadeRoIHead,
        )

    def predict(self, images: Sequence[Sequence[View]]) -> list[Instances]:
        """Objects in each image, from its views; images have one size, and so have their n-th views."""
        if len(images[0]) > 1:
            return self._predict_augmented(images)
        return self._predict_view([image[0] for image in images]).found

    def _predict_view(self, views: Sequence[View]) -> 'SeenView':
        batch = {'inputs': [view['inputs'] for view in views], 'data_samples': [view['data_samples'] for view in views]}
        data = self.model.data_preprocessor(batch, False)
        metas = [sample.metainfo for sample in data['data_samples']]
        flip = metas[0].get('flip_direction') if metas[0].get('flip') else None
        for sample in data['data_samples']:
            sample.set_metainfo({'flip': False})  # cascades would flip some of their masks back, and nothing else
        features: list[Any] = []
        extract = self.model.extract_feat

        def kept(inputs: Tensor) -> Any:
            features.append(extract(inputs))
            return features[-1]

        self.model.extract_feat = kept
        try:
            samples = self.model.predict(data['inputs'], data['data_samples'], rescale=True)
        finally:
            del self.model.extract_feat  # the class's own shows again
        found = [_unflipped(_instances(sample), flip) for sample in samples]
        return SeenView(found, [sample.metainfo for sample in samples], flip, features[0] if features else None)

    # --- several views of each image ---------------------------------------------------------------------------------

    def _predict_augmented(self, images: Sequence[Sequence[View]]) -> list[Instances]:
        """Boxes of all views together through NMS; masks of those boxes, each the mean of all views' probabilities."""
        seen = [self._predict_view([image[number] for image in images]) for number in range(len(images[0]))]
        found = [
            self.merged([view.found[position] for view in seen]).first(self.max_objects)
            for position in range(len(images))
        ]
        if found[0].masks is None or not self._masks_of_boxes:
            return found
        views = [self._masks_in(view, found) for view in seen]
        return [
            replace(each, masks=_mean_masks(each.boxes_xyxy, [view[position] for view in views]))
            for position, each in enumerate(found)
        ]

    def merged(self, parts: Sequence[Instances]) -> Instances:
        """All objects, without those of a class that overlap with a surer one; the surest first."""
        boxes = torch.cat([part.boxes_xyxy for part in parts])
        scores = torch.cat([part.scores for part in parts])
        labels = torch.cat([part.labels for part in parts])
        masks = None if parts[0].masks is None else tuple(mask for part in parts for mask in part.masks or ())
        everything = Instances(parts[0].size, boxes, scores, labels, masks)
        if not len(boxes):
            return everything
        _, kept = batched_nms(boxes, scores, labels, {'type': 'nms', 'iou_threshold': self.iou})
        return everything.picked(kept)

    def _masks_in(self, view: 'SeenView', found: Sequence[Instances]) -> list[list[RegionMask]]:
        """Masks of given boxes of each image as one view shows it, turned back."""
        device = view.features[0].device
        results = []
        for each, meta in zip(found, view.metas, strict=True):
            boxes = _mirrored_boxes(each.boxes_xyxy, each.size, view.flip)
            boxes = boxes * boxes.new_tensor(meta['scale_factor']).repeat(2)
            results.append(InstanceData(bboxes=boxes.to(device), labels=each.labels.to(device)))
        if not any(len(each) for each in results):
            return [[] for _ in results]
        head = self.model.roi_head
        arguments: dict[str, Any] = {'batch_img_metas': view.metas, 'results_list': results, 'rescale': True}
        if isinstance(head, HybridTaskCascadeRoIHead):
            arguments['semantic_heat'] = head.semantic_head(view.features)[1] if head.with_semantic else None
        given = head.predict_mask(view.features, **arguments)
        return [[_flipped_region(mask, view.flip) for mask in each.masks] if len(each) else [] for each in given]


@dataclass(frozen=True)
class SeenView:
    """What was found in one view of each image of a batch.

    Attributes:
        found: in the coordinates of the images, unflipped.
        metas: mmdet's, of the view.
        flip: direction, or None.
        features: maps of the neck.
    """

    found: list[Instances]
    metas: list[dict[str, Any]]
    flip: str | None
    features: Any


def _instances(sample: Any) -> Instances:
    """From mmdet's sample, in the coordinates of the image as it was shown."""
    found = sample.pred_instances
    masks: Any = found.get('masks', None)
    if masks is not None and not isinstance(masks, list):  # of heads that give masks of the whole image; or no objects
        masks = [cropped(np.asarray(torch.as_tensor(mask).cpu())) for mask in masks]
    size = int(sample.ori_shape[0]), int(sample.ori_shape[1])
    boxes = found.bboxes.tensor if hasattr(found.bboxes, 'tensor') else found.bboxes
    boxes, scores, labels = (each.detach().cpu() for each in (boxes, found.scores, found.labels))
    return Instances(size, boxes.float(), scores.float(), labels, None if masks is None else tuple(masks))


def _unflipped(found: Instances, direction: str | None) -> Instances:
    if direction is None:
        return found
    masks = None if found.masks is None else tuple(_mirrored_mask(each, found.size, direction) for each in found.masks)
    return replace(found, boxes_xyxy=_mirrored_boxes(found.boxes_xyxy, found.size, direction), masks=masks)


def _mirrored_boxes(boxes: Tensor, size: Size, direction: str | None) -> Tensor:
    left, top, right, bottom = boxes.unbind(-1)
    if direction in ('horizontal', 'diagonal'):
        left, right = size[1] - right, size[1] - left
    if direction in ('vertical', 'diagonal'):
        top, bottom = size[0] - bottom, size[0] - top
    return torch.stack([left, top, right, bottom], -1)


def _mirrored_mask(mask: RegionMask | CroppedMask, size: Size, direction: str) -> RegionMask | CroppedMask:
    if isinstance(mask, CroppedMask):
        return mirrored(mask, size, direction)
    box = _mirrored_boxes(mask.box_xyxy[None], size, direction)[0]
    return replace(_flipped_region(mask, direction), box_xyxy=box)


def _flipped_region(mask: RegionMask, direction: str | None) -> RegionMask:
    if direction is None:
        return mask
    axes = {'horizontal': (1,), 'vertical': (0,), 'diagonal': (0, 1)}[direction]
    return replace(mask, probabilities=mask.probabilities.flip(axes))


def _mean_masks(boxes: Tensor, views: Sequence[Sequence[RegionMask]]) -> tuple[RegionMask, ...]:
    return tuple(
        replace(same[0], box_xyxy=box, probabilities=torch.stack([mask.probabilities for mask in same]).mean(0))
        for box, *same in zip(boxes, *views, strict=True)
    )
