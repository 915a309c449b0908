"""COCO annotations of masks: polygons that give the mask back exactly, and run lengths for crowds."""

import numpy as np

Edge = tuple[int, int, int, int]  # x, y of its beginning; dx, dy of its one step


def polygons(mask: np.ndarray) -> list[list[int]]:
    """Outline a mask (H, W; bool) along its pixels' edges: one [x1, y1, x2, y2, ...] per part.

    COCO's polygons know no holes, so a part with a hole is cut in two through the hole.
    """
    outlines: list[np.ndarray] = []
    holes: list[np.ndarray] = []
    for loop in _trace(mask):
        x, y = loop.T
        # outlines run clockwise as seen, holes the other way
        clockwise = int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) > 0
        (outlines if clockwise else holes).append(loop)
    if not holes:
        return [loop.ravel().tolist() for loop in outlines]
    x = holes[0][:, 0]
    cut = int(x.min() + x.max()) // 2
    left, right = mask.copy(), mask.copy()
    left[:, cut:] = False
    right[:, :cut] = False
    return polygons(left) + polygons(right)


def _trace(mask: np.ndarray) -> list[np.ndarray]:
    """Follow all borders with the inside on the right: loops of corners (number of corners, 2), as (x, y)."""
    border = _border(mask)
    unseen = dict(border)
    loops = []
    while unseen:
        first = edge = next(iter(unseen))
        corners = []
        while edge in unseen:
            del unseen[edge]
            x, y, dx, dy = edge
            x, y = x + dx, y + dy
            # right, straight on, left: where two pixels touch by a corner, this stays on the same pixel
            edge = next(way for way in ((x, y, -dy, dx), (x, y, dx, dy), (x, y, dy, -dx)) if way in border)
            if edge[2:] != (dx, dy):
                corners.append((x, y))
        assert edge == first
        loops.append(np.array(corners))
    return loops


def _border(mask: np.ndarray) -> dict[Edge, None]:
    """List the pixel edges between inside and outside, each running with the inside on its right.

    The dict serves as a set that keeps its order.
    """
    padded = np.pad(mask, 1)
    border: dict[Edge, None] = {}
    for outside, x, y, dx, dy in (
        (~padded[:-2, 1:-1], 0, 0, 1, 0),  # the upper edge of a pixel runs from its upper left corner to the right
        (~padded[1:-1, 2:], 1, 0, 0, 1),
        (~padded[2:, 1:-1], 1, 1, -1, 0),
        (~padded[1:-1, :-2], 0, 1, 0, -1),
    ):
        for row, column in np.argwhere(mask & outside).tolist():
            border[column + x, row + y, dx, dy] = None
    return border


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """Encode a mask (H, W; bool) as COCO's uncompressed run lengths: down the columns, beginning with zeros."""
    flat = np.concatenate([[False], mask.ravel(order='F')])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], changes, [mask.size]]))
    return {'counts': counts.tolist(), 'size': list(mask.shape)}


def bounding_box(mask: np.ndarray) -> list[int]:
    """Return [left, top, width, height] in pixels of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
