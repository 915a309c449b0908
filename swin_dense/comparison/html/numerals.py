"""Numbers as readers want them. What is not known is a dash."""

import math
from collections.abc import Sequence

import numpy as np

from swin_dense.comparison.intervals import Interval

UNKNOWN = '\N{EN DASH}'


def is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def decimal(value: float | None, digits: int = 1, *, unit: float = 1.0, signed: bool = False) -> str:
    """`value` in multiples of `unit`, with `digits` behind the point."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f'{value / unit:{"+" if signed else ""},.{digits}f}'
    return text.replace('-', '\N{MINUS SIGN}')  # as wide as a plus sign


def percent(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """Of a fraction, without the sign of percent."""
    return decimal(value, digits, unit=0.01, signed=signed)


def interval_text(interval: Interval, digits: int = 1, *, signed: bool = False) -> str:
    if not is_known(interval.low):
        return UNKNOWN
    return f'{percent(interval.low, digits, signed=signed)} to {percent(interval.high, digits, signed=signed)}'


def probability(value: float | None) -> str:
    if not is_known(value):
        return UNKNOWN
    assert value is not None
    return '< 0.001' if value < 0.001 else f'{value:.3f}'


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample; NaN of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def mean_and_deviation(values: Sequence[float], digits: int = 1) -> str:
    spread = deviation(values)
    return percent(mean(values), digits) + (f' ± {percent(spread, digits)}' if is_known(spread) else '')
