"""The learning rate of the official classification recipes, which mmengine's schedulers cannot be put together to give.

There a linear warm-up replaces the start of a cosine that runs from the first step on; mmengine's would multiply them.
"""

import math
from typing import Any

from mmengine.optim.scheduler import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin

from swin_dense.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class WarmupCosineLR(LRSchedulerMixin, _ParamScheduler):
    """Of step t of T, with base rate lr and a warm-up of W steps:

    t < W: w + t (lr - w) / W; then m + (lr - m) (1 + cos(pi t / T)) / 2.

    Source: CosineLRScheduler of timm, as microsoft/Swin-Transformer (steps are iterations), facebookresearch/deit and
    microsoft/SPACH (steps are epochs) use it. The rate depends on the step alone: a resumed run has the same.

    Args:
        warmup: W. With `convert_to_iter_based`, this and `end` are given in epochs.
        end: T.
        warmup_lr: w, the same for all groups; or `warmup_ratio`, w / lr, which follows lr when it is scaled to another
            batch, as the official Swin does.
        min_lr: m; or `min_ratio`, m / lr.
        lag: steps that the schedule is late. The official code sets the rate after a step, with that step's number, so
            that the first two have the first rate: 1 gives exactly its rates.
        others: as those of mmengine's schedulers.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        warmup: int,
        end: int,
        warmup_lr: float | None = None,
        warmup_ratio: float | None = None,
        min_lr: float | None = None,
        min_ratio: float | None = None,
        lag: int = 0,
        begin: int = 0,
        last_step: int = -1,
        by_epoch: bool = True,
        verbose: bool = False,
    ) -> None:
        for name, pair in (('warmup', (warmup_lr, warmup_ratio)), ('min', (min_lr, min_ratio))):
            if (pair[0] is None) == (pair[1] is None):
                raise ValueError(f'WarmupCosineLR takes {name}_lr or {name}_ratio, one of them; got {pair}.')
        if not 0 <= warmup <= end - begin or lag < 0:
            raise ValueError(
                f'WarmupCosineLR warms up for 0 to {end - begin} steps and lags by 0 or more; got warmup={warmup}, '
                f'lag={lag}.'
            )
        self.warmup, self.total, self.lag = warmup, end - begin, lag
        self.warmup_lr, self.warmup_ratio = warmup_lr, warmup_ratio
        self.min_lr, self.min_ratio = min_lr, min_ratio
        super().__init__(
            optimizer, begin=begin, end=end, last_step=last_step, by_epoch=by_epoch, verbose=verbose
        )  # the mixin gives `param_name`

    @classmethod
    def build_iter_from_epoch(
        cls,
        *arguments: Any,
        warmup: float,
        end: int,
        begin: int = 0,
        by_epoch: bool = True,
        epoch_length: int | None = None,
        **options: Any,
    ) -> 'WarmupCosineLR':
        """With steps of iterations, from numbers of epochs."""
        if not by_epoch or not epoch_length:
            raise ValueError('convert_to_iter_based is for by_epoch=True and a data loader of known length.')
        return cls(
            *arguments,
            warmup=int(warmup * epoch_length),
            begin=int(begin * epoch_length),
            end=int(end * epoch_length),
            by_epoch=False,
            **options,
        )

    def _get_value(self) -> list[float]:
        return [self._rate(base) for base in self.base_values]

    def _rate(self, base: float) -> float:
        step = max(self.last_step - self.lag, 0)
        first = self.warmup_lr if self.warmup_ratio is None else base * self.warmup_ratio
        last = self.min_lr if self.min_ratio is None else base * self.min_ratio
        assert first is not None
        assert last is not None
        if step < self.warmup:
            return first + step * (base - first) / self.warmup
        return last + 0.5 * (base - last) * (1 + math.cos(math.pi * step / self.total))
