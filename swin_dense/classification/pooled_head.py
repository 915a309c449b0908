"""The head of classifiers and recognisers: pooled features, dropout, a linear layer."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS


@MODELS.register_module()
class PooledHead(BaseModule):
    """The mean over space (and time), dropout, and a linear layer; cross entropy in training.

    Source: the I3D head that the Video Swin paper trains with, whose weights are drawn with deviation 0.01; without
    dropout, and with 0.02, the end of the official classifiers of Swin, ShiftViT and DeiT.

    Args:
        num_classes: filled in from the data where a config leaves it out.
        in_channels: of the features.
        dropout: the rate.
        label_smoothing: the share of each label that is spread evenly over all classes. Soft targets stay as they are.
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
        """(B, D, H, W) or (B, D, T, H, W) -> (B, number of classes), before softmax."""
        return self.fc_cls(self.dropout(features.flatten(2).mean(2)))

    def scores(self, features: Tensor) -> Tensor:
        """Probabilities in float32, (B, number of classes)."""
        return self(features).float().softmax(1)

    def loss(self, features: Tensor, samples: Sequence[ClassSample]) -> dict[str, Tensor]:
        """Give `loss_cls`, and as `acc_top1` the share of the batch, in percent, that is right.

        Of soft targets (`gt_scores`, all samples or none) the most likely class counts as right.
        """
        logits = self(features).float()
        if 'gt_scores' in samples[0]:
            targets = torch.stack([sample.gt_scores for sample in samples]).to(logits.device)
            loss, labels = F.cross_entropy(logits, targets), targets.argmax(1)
        else:
            labels = torch.cat([sample.gt_label.reshape(1) for sample in samples]).to(logits.device)
            loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        right = (logits.detach().argmax(1) == labels).float().mean()
        return {'loss_cls': loss, 'acc_top1': 100 * right}
