"""What becomes of the learning rate of a recipe at another batch than the recipe's."""

from typing import Any


def lr_scaling(rate: float, batch: int, auto_scale_lr: dict[str, Any] | None) -> tuple[float, str]:
    """The factor that the rate is multiplied by, and a statement of the rate and of why.

    Args:
        rate: of the config.
        batch: images in one step: of a process x processes x accumulated.
        auto_scale_lr: `base_batch_size`, the batch of the recipe; `enable`.
    """
    rule = auto_scale_lr or {}
    base = rule.get('base_batch_size')
    if base is None:
        return 1.0, f'{rate:g}, as in the config'
    if base == batch:
        return 1.0, f'{rate:g} at batch {base}, the batch of the recipe'
    if not rule.get('enable', False):
        return 1.0, f'{rate:g}, NOT scaled: the recipe is for batch {base} (auto_scale_lr.enable=False)'
    factor = batch / base
    return factor, f'{rate * factor:g} = {rate:g} x {batch} / {base} (the batch of the recipe)'
