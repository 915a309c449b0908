"""Bicubic resampling written out in numpy, for comparison."""

import numpy as np


def cubic(x: float, a: float) -> float:
    """Cubic convolution (Keys 1981)."""
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def cubic_weights(new_size: int, size: int) -> np.ndarray:
    """(new_size, size) with a = -0.75, pixel centres aligned, edges repeated."""
    weights = np.zeros((new_size, size))
    for row in range(new_size):
        centre = (row + 0.5) * size / new_size - 0.5
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            weights[row, min(max(tap, 0), size - 1)] += cubic(centre - tap, -0.75)
    return weights


def antialiased_weights(new_size: int, size: int) -> np.ndarray:
    """(new_size, size) as Pillow has them: a = -0.5, wider where pixels get fewer, and summing to 1 at the edges."""
    scale = max(size / new_size, 1.0)
    weights = np.zeros((new_size, size))
    for row in range(new_size):
        centre = (row + 0.5) * size / new_size
        for tap in range(size):
            weights[row, tap] = cubic((tap + 0.5 - centre) / scale, -0.5)
    return weights / weights.sum(1, keepdims=True)
