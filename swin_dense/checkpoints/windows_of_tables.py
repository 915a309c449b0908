"""The window of a video model, read from the sizes of its tables."""

from collections.abc import Mapping

from torch import Tensor

from swin_dense.layers.windows import Extent

_TABLE = 'relative_position_bias_table'


def window_of_tables(state: Mapping[str, Tensor]) -> Extent | None:
    """The window (time, height, width) of a video model by the sizes of a bias table and of the index beside it."""
    for name, index in state.items():
        table = state.get(name.replace('relative_position_index', _TABLE))
        if name.endswith('relative_position_index') and table is not None and index.ndim in (1, 2):
            tokens = round(index.numel() ** 0.5)
            return next((window for window in _windows(len(table)) if window[0] * window[1] ** 2 == tokens), None)
    tables = [len(table) for name, table in state.items() if name.endswith(_TABLE)]
    return likely_window(tables[0]) if tables else None


def likely_window(rows: int) -> Extent | None:
    """Of a bias table with so many rows: one whose time is a power of two, as published ones have; the largest side."""
    found = [window for window in _windows(rows) if window[0] & (window[0] - 1) == 0]
    return max(found, key=lambda window: window[1], default=None)


def _windows(rows: int) -> list[Extent]:
    """All (P, M, M) with (2P - 1) (2M - 1)^2 rows."""
    sides = [side for side in range(1, 65) if rows % (2 * side - 1) ** 2 == 0]
    return [((rows // (2 * side - 1) ** 2 + 1) // 2, side, side) for side in sides if rows // (2 * side - 1) ** 2 % 2]
