"""Segmentation of the frames of clips: mmseg's segmentors, behind a backbone that sees whole clips.

To heads, losses and tests in windows, a clip is as many images as it has frames.
"""

from collections.abc import Sequence
from typing import Any

from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from swin_dense.registry import MODELS

Config = dict[str, Any]


@MODELS.register_module()
class ClipSegmentor(EncoderDecoder):
    """mmseg's EncoderDecoder for clips; with a backbone for images, it sees frame by frame.

    Its images are B x T frames, those of a clip one after the other.

    Args:
        frames_per_clip: T.
        neck: `FrameMaps` behind a video backbone.
        others: as those of EncoderDecoder.
    """

    def __init__(
        self,
        *,
        backbone: Config,
        decode_head: Config,
        frames_per_clip: int,
        neck: Config | None = None,
        auxiliary_head: Config | None = None,
        train_cfg: Config | None = None,
        test_cfg: Config | None = None,
        data_preprocessor: Config | None = None,
        init_cfg: Config | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone, decode_head=decode_head, neck=neck, auxiliary_head=auxiliary_head, train_cfg=train_cfg,
            test_cfg=test_cfg, data_preprocessor=data_preprocessor, init_cfg=init_cfg,
        )  # fmt: skip
        self.frames_per_clip = frames_per_clip

    @property
    def sees_clips(self) -> bool:
        """Whether the map of a frame depends on the others of its clip."""
        return hasattr(self.backbone, 'temporal_stride')

    def extract_feat(self, inputs: Tensor) -> Sequence[Tensor]:
        """(B * T, 3, H, W) -> levels of (B * T, C, h, w)."""
        if not self.sees_clips:
            return super().extract_feat(inputs)
        if len(inputs) % self.frames_per_clip:
            raise ValueError(
                f'{len(inputs)} frames are no clips of {self.frames_per_clip}: frames_per_clip of the model has to be '
                'that of the data set.'
            )
        return super().extract_feat(inputs.unflatten(0, (-1, self.frames_per_clip)).transpose(1, 2))


@MODELS.register_module()
class ClipSegDataPreProcessor(SegDataPreProcessor):
    """mmseg's SegDataPreProcessor (same arguments) for batches of clips, and of single frames."""

    def forward(self, data: Config, training: bool = False) -> Config:
        """Args:

            data: of a data set, `inputs`, B of (T, 3, H, W), and `data_samples`, B `FrameSamples`; or of frames, a list
                of each.

        Returns: `inputs` (B * T, 3, H, W) and as many `data_samples`, clip by clip.
        """
        if data['inputs'] and data['inputs'][0].ndim == 4:
            samples = data.get('data_samples')
            data = {
                'inputs': [frame for clip in data['inputs'] for frame in clip],
                'data_samples': samples and [sample for clip in samples for sample in clip.frames],
            }
        return super().forward(data, training)
