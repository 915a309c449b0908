"""What is known of a clip: its label, what was predicted, where it is from."""

from mmengine.structures import BaseDataElement
from torch import Tensor


class ClipSample(BaseDataElement):
    """Fields, where they are known:

    gt_label: () int64.
    pred_scores: (number of classes,), sums to 1.

    Metainfo: `path`; `broken`, the reason, of a video that could not be read.
    """

    gt_label: Tensor
    pred_scores: Tensor
