"""What is timed: a whole model that predicts, from a packed image to boxes, masks or a map of classes."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm

from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.comparison.measured_images import MeasuredImage
from swin_dense.costs.models import build_model
from swin_dense.engine.class_names import fill_classes, training_classes
from swin_dense.engine.states import put_weights

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}


@dataclass(frozen=True, kw_only=True)
class MeasuredModel:
    """A model, and how it is measured; sent to another process as it is.

    Attributes:
        values: of its config, with classes filled in.
        filename: of its config.
        image: that it predicts.
        device: `cpu`, `cuda` or `cuda:1`.
        precision: one of `PRECISIONS`; what is not float32 is autocast.
        checkpoint: of a run; None: weights are drawn from seed 0.
    """

    values: dict[str, Any]
    filename: str | None
    image: MeasuredImage
    device: str
    precision: str
    checkpoint: Path | None

    @property
    def cfg(self) -> Config:
        """A copy, free to be changed."""
        return Config(self.values, filename=self.filename)

    def build(self) -> Any:
        """Make the model, on its device, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = revert_sync_batchnorm(build_model(self.cfg, 'cpu'))
        if self.checkpoint is not None:
            content = read_checkpoint(self.checkpoint)
            state = content.get('state_dict', content)
            put_weights(model, state, source=str(self.checkpoint), other_sizes_allowed=False)
        model = model.to(self.device)  # by this call the preprocessor knows, too
        model.eval()
        return model


def with_classes(cfg: Config) -> Config:
    """A copy whose heads and data sets know the classes; one class where nothing says them."""
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    cfg.setdefault('default_scope', 'mmdet')
    fill_classes(cfg)
    if training_classes(cfg) is None:  # they are read from data that is not there
        fill_classes(cfg, known=('object',))
    return cfg


def predict(model: Any, batch: dict[str, Any], precision: str) -> Any:
    """Normalise, pad, predict; returns when all of it is done."""
    device = next(model.parameters()).device
    dtype = PRECISIONS[precision]
    autocast: AbstractContextManager = nullcontext() if dtype is None else torch.autocast(device.type, dtype)
    with torch.inference_mode(), autocast:
        found = model.test_step(batch)
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return found


class Prediction:
    """A `Subject`: one model on a batch of one image, so many times."""

    def __init__(self, model: Any, image: MeasuredImage, count: int, precision: str) -> None:
        self._model, self._image, self._count, self._precision = model, image, count, precision

    def prepare(self) -> dict[str, Any]:
        return self._image.batch(self._count)

    def run(self, prepared: dict[str, Any]) -> None:
        predict(self._model, prepared, self._precision)
