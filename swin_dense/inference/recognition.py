"""Recognition of whole videos: what the test pipeline makes of a file, and the class scores of its views."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch import Tensor

from swin_dense.classification.samples import ClassSample
from swin_dense.inference.decoding import UnreadableImage
from swin_dense.inference.output_names import is_web_address
from swin_dense.inference.results import Recognition
from swin_dense.inference.sources import IMAGE_SUFFIXES
from swin_dense.inference.views import test_pipeline
from swin_dense.video.containers import BrokenVideo

View = dict[str, Any]  # inputs, data_samples
_FRAMES_SHOWN = 4


class VideoViews:
    """Turns a video file, or a folder of frames, into what a recogniser takes, by the test pipeline of its config.

    Attributes:
        count: of views of a video; None where they are found out with the video.
    """

    def __init__(self, cfg: Config) -> None:
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            self._pipeline = Compose(test_pipeline(cfg))

    def __call__(self, path: str | Path) -> tuple[np.ndarray, list[View]]:
        """A preview, (H, W, 3) uint8 RGB, of what the model sees in the middle one of its views, and the views.

        Raises:
            UnreadableImage: it is no video that can be read.
        """
        suffix = Path(path).suffix.lower()
        if suffix in IMAGE_SUFFIXES and suffix != '.gif':
            raise UnreadableImage('a picture; the model names what happens in videos')
        if is_web_address(str(path)):
            raise UnreadableImage('a web address; clips are taken from files: download it')
        try:
            packed = self._pipeline({'path': str(path)})
        except BrokenVideo as error:
            raise UnreadableImage(str(error).removeprefix(f'{path}: ')) from None
        return preview(packed['inputs']), [packed]


class Recogniser:
    """The part of prediction that is particular to recognisers of videos."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, views: Sequence[list[View]]) -> list[Recognition]:
        """Class scores of videos; the model looks at their views a few at a time."""
        samples = [each[0]['data_samples'] for each in views]
        found: list[ClassSample] = self.model.test_step(
            {'inputs': [each[0]['inputs'] for each in views], 'data_samples': samples}
        )
        previews = [preview(each[0]['inputs']).shape for each in views]
        return [
            Recognition((shape[0], shape[1]), sample.pred_scores.float().cpu().numpy())
            for shape, sample in zip(previews, found, strict=True)
        ]


def preview(views: Tensor) -> np.ndarray:
    """(2H, 2W, 3) uint8 RGB of (V, 3, T, H, W): four frames of the middle view, in reading order."""
    frames = views[len(views) // 2].permute(1, 2, 3, 0).numpy()
    places = np.linspace(0, len(frames) - 1, _FRAMES_SHOWN).round().astype(int)
    shown = [frames[place] for place in places]
    return np.concatenate([np.concatenate(shown[:2], axis=1), np.concatenate(shown[2:], axis=1)], axis=0)
