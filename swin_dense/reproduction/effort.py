"""How long a training would take: counted products over an assumed throughput. An estimate, not measured."""

from dataclasses import dataclass

from mmengine.config import Config

from swin_dense.costs.counting import count_costs
from swin_dense.costs.models import build_model, usual_size
from swin_dense.engine.class_names import fill_classes

# images, or videos, of the usual training sets; Kinetics shrinks as videos vanish from the web
IMAGES = {
    'coco': 118_287,
    'imagenet1k': 1_281_167,
    'kinetics400': 240_436,
    'kinetics600': 366_016,
    'something_something_v2': 168_913,
}
GPUS = 8
HARDWARE = f'{GPUS} x A100'
_PEAK_FLOPS = 312e12  # of an A100, bf16
_SHARE = 0.35  # of the peak that trainings of such models reach; assumed
_FORWARD_AND_BACKWARD = 3  # a backward pass has twice the products of a forward pass


@dataclass(frozen=True)
class Effort:
    """Attributes:

    iterations: changes of the weights x accumulated steps, at the batch of the recipe.
    samples: images or clips that are seen.
    hours: on `HARDWARE`.
    """

    iterations: int
    samples: int
    hours: float


def effort_of(cfg: Config, stem: str) -> Effort:
    """Of a training from start to end, without tests.

    Args:
        cfg: changed: classes are filled in.
        stem: of the config's file; it names the data.
    """
    fill_classes(cfg, known=('object',), read_files=False)
    macs = sum(part.macs or 0 for part in count_costs(build_model(cfg, 'meta'), usual_size(cfg)))
    batch = cfg.auto_scale_lr.base_batch_size
    if 'max_epochs' in cfg.train_cfg:
        data = next(name for name in sorted(IMAGES, key=len, reverse=True) if f'_{name}_' in f'_{stem}_')
        samples = cfg.train_cfg.max_epochs * IMAGES[data]
    else:
        samples = cfg.train_cfg.max_iters * batch
    flops = 2 * macs * _FORWARD_AND_BACKWARD * samples
    return Effort(-(-samples // batch), samples, flops / (GPUS * _PEAK_FLOPS * _SHARE) / 3600)


ASSUMPTION = (
    f'3 x the multiply-adds of a test, 2 operations each, for every sample, on {HARDWARE} at {_SHARE:.0%} of 312\n'
    '  TFLOP/s. An estimate, not measured; detectors, which are counted at 800 x 1280, take longer than their\n'
    '  products say, since boxes are matched and sorted besides'
)
