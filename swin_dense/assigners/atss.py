"""mmdet's ATSSAssigner for any number of objects: the same assignment, without matrices of all pairs.

Legend: K objects, N priors (anchors), C candidates of an object: the 9 nearest of each level.

An object's candidates do not depend on other objects, and the overlaps with them are all that ATSS needs. So distances
are taken for a few objects at a time, and overlaps for candidates alone.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules import assigners
from mmdet.models.task_modules.assigners.atss_assigner import bbox_center_distance
from torch import Tensor

from swin_dense.assigners.budget import chunks, fits_budget, largest_share_inside
from swin_dense.registry import TASK_UTILS

_FAR = 100000000  # mmdet's number for the distance of ignored priors; its negative is the overlap without an object


@TASK_UTILS.register_module()
class ATSSAssigner(assigners.ATSSAssigner):
    """mmdet's own code where all pairs fit `budget.BUDGET_BYTES`, chunks of objects where they do not.

    Arguments and results are those of mmdet's class, bit for bit on a CPU (on a GPU, torch may order priors of equal
    distance otherwise). What compares in other ways goes mmdet's way at any size: DDOD's costs (`alpha`), and other
    calculators than BboxOverlaps2D.
    """

    def assign(
        self, pred_instances: Any, num_level_priors: Sequence[int], gt_instances: Any, gt_instances_ignore: Any = None
    ) -> assigners.AssignResult:
        """See mmdet: `priors` of the predictions, `bboxes` and `labels` of the objects, `bboxes` to ignore."""
        priors, objects, labels = pred_instances.priors, gt_instances.bboxes, gt_instances.labels
        ignored = objects[:0]
        if gt_instances_ignore is not None and self.ignore_iof_thr > 0 and len(objects):
            ignored = gt_instances_ignore.bboxes
        if fits_budget(max(len(objects), len(ignored)), priors) or not self._is_usual(pred_instances):
            return super().assign(pred_instances, num_level_priors, gt_instances, gt_instances_ignore)
        priors = priors[:, :4]
        to_ignore = torch.zeros(len(priors), dtype=torch.bool, device=priors.device)
        if len(ignored):
            to_ignore = largest_share_inside(self.iou_calculator, priors, ignored) > self.ignore_iof_thr
        candidates_CK = self._candidates(priors, num_level_priors, objects, to_ignore)
        object_numbers, overlaps = self._choose(priors, objects, candidates_CK)
        object_numbers[to_ignore & (object_numbers == 0)] = -1
        chosen = object_numbers > 0
        prior_labels = torch.full_like(object_numbers, -1)
        prior_labels[chosen] = labels[object_numbers[chosen] - 1]
        return assigners.AssignResult(len(objects), object_numbers, overlaps, labels=prior_labels)

    def _is_usual(self, pred_instances: Any) -> bool:
        costs = self.alpha is not None or 'scores' in pred_instances or 'bboxes' in pred_instances
        return not costs and type(self.iou_calculator) is assigners.BboxOverlaps2D

    def _candidates(
        self, priors: Tensor, num_level_priors: Sequence[int], objects: Tensor, to_ignore: Tensor
    ) -> Tensor:
        """(C, K) indices of the priors whose centres are nearest."""
        ends = list(itertools.accumulate(num_level_priors, initial=0))
        levels = [(start, end, min(self.topk, end - start)) for start, end in itertools.pairwise(ends)]
        # allocated at once: small results between the large tensors of the chunks would cut memory into pieces
        candidates_CK = torch.empty(
            sum(count for _, _, count in levels), len(objects), dtype=torch.long, device=priors.device
        )
        for piece in chunks(len(objects), priors):
            distances_KN = bbox_center_distance(priors, objects[piece])
            distances_KN[:, to_ignore] = _FAR
            nearest = [
                distances_KN[:, start:end].topk(count, dim=1, largest=False).indices + start
                for start, end, count in levels
            ]
            candidates_CK[:, piece] = torch.cat(nearest, dim=1).t()
        return candidates_CK

    def _choose(self, priors: Tensor, objects: Tensor, candidates_CK: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) number of the object of each prior, from 1, or 0; (N,) their overlaps, or -100000000."""
        pairs = self.iou_calculator(
            priors[candidates_CK.view(-1)], objects.repeat(len(candidates_CK), 1), is_aligned=True
        )
        overlaps_CK = pairs.view_as(candidates_CK)
        threshold = overlaps_CK.mean(0) + overlaps_CK.std(0)
        is_positive = (overlaps_CK >= threshold) & _centre_is_inside(priors, objects, candidates_CK)

        indices, overlaps = candidates_CK[is_positive], overlaps_CK[is_positive]
        numbers = torch.arange(1, len(objects) + 1, device=indices.device).expand_as(candidates_CK)[is_positive]
        most = overlaps.new_full((len(priors),), -_FAR).scatter_reduce(0, indices, overlaps, 'amax')
        # of objects with equal overlaps the first, as torch.max takes it
        is_best = overlaps == most[indices]
        none = len(objects) + 1
        first = indices.new_full((len(priors),), none)
        first = first.scatter_reduce(0, indices[is_best], numbers[is_best], 'amin')
        return first.where(first < none, 0), most


def _centre_is_inside(priors: Tensor, objects: Tensor, candidates_CK: Tensor) -> Tensor:
    x_CK = ((priors[:, 0] + priors[:, 2]) / 2.0)[candidates_CK]
    y_CK = ((priors[:, 1] + priors[:, 3]) / 2.0)[candidates_CK]
    sides = (x_CK - objects[:, 0], y_CK - objects[:, 1], objects[:, 2] - x_CK, objects[:, 3] - y_CK)
    return torch.stack(sides).amin(dim=0) > 0.01
