"""What is known of a clip: its label, what was predicted, where it is from; or of each of its frames."""

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class FrameSamples:
    """The samples of the frames of a clip, in their order.

    No sequence: collating makes a list of these, one a clip, where of lists it would make one for each frame number.
    """

    frames: tuple[Any, ...]

    def all_values(self) -> list[Any]:
        """As data elements of mmengine have it."""
        return list(self.frames)
