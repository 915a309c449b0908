"""mmdet's MaxIoUAssigner for any number of objects: the same assignment, without the matrix of all overlaps.

Legend: K objects, N priors (anchors, or proposals of the stage before). mmdet's code holds 11 x K x N values: 55 GB for
5000 objects and 250,000 anchors. Here a few objects at a time are compared with all priors.
"""

from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.task_modules import assigners
from mmdet.models.task_modules.assigners.max_iou_assigner import perm_repeat_bboxes
from torch import Tensor

from swin_dense.assigners.budget import chunks, fits_budget, largest_share_inside
from swin_dense.registry import TASK_UTILS


@TASK_UTILS.register_module()
class MaxIoUAssigner(assigners.MaxIoUAssigner):
    """mmdet's own code where all pairs fit `budget.BUDGET_BYTES`, chunks of objects where they do not.

    Arguments and results are those of mmdet's class, bit for bit.
    """

    def assign(
        self, pred_instances: Any, gt_instances: Any, gt_instances_ignore: Any = None, **kwargs: Any
    ) -> assigners.AssignResult:
        """See mmdet: `priors` of the predictions, `bboxes` and `labels` of the objects, `bboxes` to ignore."""
        priors, objects, labels = pred_instances.priors, gt_instances.bboxes, gt_instances.labels
        ignored = objects[:0]
        if gt_instances_ignore is not None and self.ignore_iof_thr > 0 and len(objects):
            ignored = gt_instances_ignore.bboxes
        if fits_budget(max(len(objects), len(ignored)), priors):
            return super().assign(pred_instances, gt_instances, gt_instances_ignore, **kwargs)
        device = priors.device
        if 0 < self.gpu_assign_thr < len(objects):
            priors, objects, labels, ignored = (each.cpu() for each in (priors, objects, labels, ignored))
        if self.perm_repeat_gt_cfg is not None:
            objects = perm_repeat_bboxes(objects, self.iou_calculator, self.perm_repeat_gt_cfg)
        best = self._compare(objects, priors, self._to_ignore(priors, ignored))
        object_numbers = self._choose(best)
        chosen = object_numbers > 0
        prior_labels = torch.full_like(object_numbers, -1)
        prior_labels[chosen] = labels[object_numbers[chosen] - 1]
        return assigners.AssignResult(
            num_gts=len(objects),
            gt_inds=object_numbers.to(device),
            max_overlaps=best.overlaps.to(device),
            labels=prior_labels.to(device),
        )

    def _to_ignore(self, priors: Any, ignored: Any) -> Tensor | None:
        """(N,) priors that are left out, for they lie in ignored boxes."""
        if not len(ignored):
            return None
        of_regions = not self.ignore_wrt_candidates
        return largest_share_inside(self.iou_calculator, priors, ignored, of_regions=of_regions) > self.ignore_iof_thr

    def _compare(self, objects: Any, priors: Any, to_ignore: Tensor | None) -> '_Best':
        best = None
        for piece in chunks(len(objects), priors):
            overlaps_KN = self.iou_calculator(objects[piece], priors)
            if to_ignore is not None:
                overlaps_KN[:, to_ignore] = -1
            overlaps, first = overlaps_KN.max(dim=0)
            claimants = self._claimants(overlaps_KN)
            claimants[claimants > 0] += piece.start
            new = _Best(overlaps, first + piece.start, claimants)
            best = new if best is None else best.merged(new)
        assert best is not None
        return best

    def _claimants(self, overlaps_KN: Tensor) -> Tensor:
        """(N,) number of the last object whose best prior this is, from 1; 0 where it is no object's."""
        if not self.match_low_quality:
            return overlaps_KN.new_zeros(overlaps_KN.size(1), dtype=torch.long)
        most, first = overlaps_KN.max(dim=1, keepdim=True)
        if self.gt_max_assign_all:
            is_best = overlaps_KN == most
        else:
            is_best = torch.zeros_like(overlaps_KN, dtype=torch.bool).scatter_(1, first, True)
        is_best &= most >= self.min_pos_iou
        numbers = torch.arange(1, len(most) + 1, device=most.device)[:, None]
        return torch.where(is_best, numbers, 0).amax(dim=0)

    def _choose(self, best: '_Best') -> Tensor:
        """(N,) number of the object of each prior, from 1; 0 is background, -1 counts for neither."""
        numbers = torch.full_like(best.objects, -1)
        low, high = 0.0, self.neg_iou_thr
        if isinstance(high, tuple):
            low, high = high
        if isinstance(self.neg_iou_thr, (float, tuple)):  # mmdet takes no integer for a threshold
            numbers[(best.overlaps >= low) & (best.overlaps < high)] = 0
        positive = best.overlaps >= self.pos_iou_thr
        numbers[positive] = best.objects[positive] + 1
        return torch.where(best.claimants > 0, best.claimants, numbers)


@dataclass
class _Best:
    """Of some objects, for each of N priors.

    Attributes:
        overlaps: the largest overlap with one of them.
        objects: index of the first of those with that overlap.
        claimants: see `_claimants`.
    """

    overlaps: Tensor
    objects: Tensor
    claimants: Tensor

    def merged(self, later: '_Best') -> '_Best':
        # as torch.max does: the first of equal ones stays, and what is not a number wins
        wins = (later.overlaps > self.overlaps) | (later.overlaps.isnan() & ~self.overlaps.isnan())
        return _Best(
            torch.where(wins, later.overlaps, self.overlaps),
            torch.where(wins, later.objects, self.objects),
            torch.maximum(later.claimants, self.claimants),
        )
