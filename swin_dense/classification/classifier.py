"""Classification of images: a backbone, and a head that names what is seen."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from swin_dense.classification.samples import ClassSample
from swin_dense.registry import MODELS

Config = dict[str, Any]


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """Names what an image shows, by the last level of a backbone: its mean, or the class token as a level of one step.

    Args:
        backbone: for images. Swin and ShiftViT with `out_indices=(3,)` have the norm of official classifiers on that
            level; ViT with `final_norm` and `class_token_level` has theirs.
        cls_head: as `PooledHead`.
        data_preprocessor: as `ClassDataPreprocessor`.
        init_cfg: dict(type='Pretrained', checkpoint=...) loads a classifier, with `swin_dense.checkpoints.
            load_classifier`: a head of another number of classes starts from scratch, and all else has to fit.
    """

    def __init__(
        self,
        *,
        backbone: Config,
        cls_head: Config,
        data_preprocessor: Config | None = None,
        init_cfg: Config | None = None,
    ) -> None:
        super().__init__(data_preprocessor or {'type': 'swin_dense.ClassDataPreprocessor'}, init_cfg)
        if init_cfg and (init_cfg.get('type') != 'Pretrained' or set(init_cfg) - {'type', 'checkpoint'}):
            raise ValueError(
                f"init_cfg of ImageClassifier is dict(type='Pretrained', checkpoint=PATH_OR_URL) or None; got "
                f'{init_cfg}.'
            )
        self.init_cfg: Config | None
        self.backbone = MODELS.build(backbone)
        self.cls_head = MODELS.build(cls_head)
        mixing = getattr(self.data_preprocessor, 'mixing', None)
        if mixing is not None and mixing.num_classes is None:
            mixing.num_classes = self.cls_head.num_classes

    def forward(self, inputs: Tensor, data_samples: Sequence[ClassSample] | None = None, mode: str = 'tensor') -> Any:
        """Losses, predictions, or logits (B, number of classes), as `mode` says.

        Args:
            inputs: (B, 3, H, W), normalised.
            data_samples: one an image; in mode 'predict' also those of images that could not be read (`broken`).
        """
        if mode == 'loss':
            assert data_samples is not None
            return self.cls_head.loss(self.features(inputs), data_samples)
        if mode == 'predict':
            return self._predicted(inputs, data_samples or [ClassSample() for _ in inputs])
        if mode == 'tensor':
            return self.cls_head(self.features(inputs))
        raise ValueError(f"mode is 'loss', 'predict' or 'tensor'; got {mode!r}.")

    def features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the last level of the backbone, (B, D, H', W')."""
        return self.backbone(images)[-1]

    def init_weights(self) -> None:
        """Initial values; then `init_cfg`'s classifier, if any."""
        pretrained: Config | None = self.init_cfg
        self.init_cfg = None
        try:
            super().init_weights()
        finally:
            self.init_cfg = pretrained
        if pretrained:
            # here, because the checkpoint loader is needed by this alone
            from swin_dense.checkpoints import load_classifier

            load_classifier(self, pretrained['checkpoint'], new_head=True)

    def _predicted(self, images: Tensor, samples: Sequence[ClassSample]) -> list[ClassSample]:
        """Put `pred_scores` into each sample with an image."""
        read = [sample for sample in samples if 'broken' not in sample]
        if read:
            scores = self.cls_head.scores(self.features(images))
            for sample, each in zip(read, scores, strict=True):
                sample.pred_scores = each
        return list(samples)
