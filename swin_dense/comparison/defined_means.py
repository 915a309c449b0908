"""Means over what is defined."""

import warnings

import numpy as np


def defined_mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Mean without NaN; NaN, without a warning, where there is nothing else."""
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Mean of empty slice', RuntimeWarning)
        return np.nanmean(values, axis=axis)
