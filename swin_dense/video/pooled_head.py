"""The head of a recogniser: pooled features, dropout, a linear layer."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from swin_dense.registry import MODELS
from swin_dense.video.samples import ClipSample


@MODELS.register_module()
class PooledHead(BaseModule):
    """The mean over time and space, dropout, and a linear layer; cross entropy in training.

    Source: the I3D head that the Video Swin paper trains with. Weights are drawn with deviation 0.01.

    Args:
        num_classes: filled in from the data where a config leaves it out.
        in_channels: of the features.
        dropout: the rate.
        label_smoothing: the share of each target that is spread evenly over all classes.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        in_channels: int,
        dropout: float = 0.5,
        label_smoothing: float = 0.0,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg or {'type': 'Normal', 'layer': 'Linear', 'std': 0.01})
        if not 0 <= label_smoothing < 1:
            raise ValueError(f'label_smoothing is a share, from 0 to below 1; got {label_smoothing}.')
        self.num_classes, self.in_channels = num_classes, in_channels
        self.label_smoothing = label_smoothing
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(in_channels, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D, T, H, W) -> (B, number of classes), before softmax."""
        return self.fc_cls(self.dropout(features.mean((2, 3, 4))))

    def scores(self, features: Tensor) -> Tensor:
        """Probabilities in float32, (B, number of classes)."""
        return self(features).float().softmax(1)

    def loss(self, features: Tensor, samples: Sequence[ClipSample]) -> dict[str, Tensor]:
        """Give `loss_cls`, and as `acc_top1` the share of the batch, in percent, that is right."""
        logits = self(features).float()
        labels = torch.cat([sample.gt_label.reshape(1) for sample in samples]).to(logits.device)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        right = (logits.detach().argmax(1) == labels).float().mean()
        return {'loss_cls': loss, 'acc_top1': 100 * right}
