"""Words of the command line of `tools/predict.py`, turned into what they mean."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from swin_dense.inference.journal import Shard
from swin_dense.inference.predictor import AUTO
from swin_dense.inference.views import Augmentation

_CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def split_positional(words: Sequence[str]) -> tuple[str | None, str, list[str]]:
    """(config or None, checkpoint, inputs) of `[CONFIG] CHECKPOINT INPUT...`."""
    config = words[0] if words[0].endswith(_CONFIG_SUFFIXES) else None
    rest = list(words if config is None else words[1:])
    if len(rest) < 2:
        given = ', '.join(words)
        raise ValueError(
            f'give a checkpoint and at least one input, [CONFIG] CHECKPOINT INPUT...; got {given}. A config is a file '
            f'that ends in {" or ".join(_CONFIG_SUFFIXES)}.'
        )
    return config, rest[0], rest[1:]


def refuse_checkpoints(inputs: Sequence[str]) -> None:
    """Of several checkpoints, the second would be looked at as a picture, and a work dir's overlays predicted."""
    for each in inputs:
        if Path(each).suffix in ('.pth', '.pt', '.safetensors') or (Path(each) / 'last_checkpoint').is_file():
            raise ValueError(
                f'{each} is a checkpoint or the work dir of a training, not a picture. The order is [CONFIG] '
                'CHECKPOINT INPUT..., and a config is a file.'
            )


def shard(text: str) -> Shard:
    """K/N."""
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def probability(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'must be a number from 0 to 1; got {text!r}')
    return value


def batch_size(text: str) -> int | str:
    """A whole number from 1, or 'auto'."""
    if text == AUTO:
        return AUTO
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, or 'auto'; got {text!r}")
    return int(text)


def augmentation(asked: bool, scales: Sequence[float] | None, *, flip: bool) -> Augmentation | None:
    """Of --tta, --tta-scales, --no-tta-flip."""
    if not asked and scales is None:
        return None
    if scales is not None and min(scales) <= 0:
        raise ValueError(f'--tta-scales are factors above 0; got {" ".join(map(str, scales))}.')
    return Augmentation(None if scales is None else tuple(scales), flip)
