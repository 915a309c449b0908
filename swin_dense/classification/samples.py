"""What is known of an image, or of a clip, as a whole."""

from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor


class ClassSample(BaseDataElement):
    """Fields, where they are known:

    gt_label: () int64.
    gt_scores: (number of classes,), a soft target, sums to 1; goes before `gt_label`.
    pred_scores: (number of classes,), sums to 1.

    Metainfo: `path`; `broken`, the reason, of a file that could not be read.
    """

    gt_label: Tensor
    gt_scores: Tensor
    pred_scores: Tensor


def packed_sample(results: dict[str, Any]) -> ClassSample:
    """What is known of the file of a sample."""
    sample = ClassSample(metainfo={key: results[key] for key in ('path', 'broken') if key in results})
    if 'label' in results:
        sample.gt_label = torch.tensor(results['label'])
    return sample
