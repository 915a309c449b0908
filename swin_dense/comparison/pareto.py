"""Which models are not beaten in both quality and cost."""

from collections.abc import Mapping


def pareto_front(quality: Mapping[str, float], cost: Mapping[str, float]) -> list[str]:
    """Models for which no other is at least as good and at most as dear, and better in one of the two.

    Args:
        quality: model -> score, higher is better.
        cost: model -> cost, lower is better; a model without cost or quality is on no front.

    Returns:
        Names by rising cost. Of models that are equal in both, all.
    """
    # `<=` is False for NaN, which no other can then dominate: such a model is left out first
    points = {
        name: (quality[name], cost[name])
        for name in quality
        if name in cost and quality[name] == quality[name] and cost[name] == cost[name]
    }
    front = [name for name, point in points.items() if not any(_beats(other, point) for other in points.values())]
    return sorted(front, key=lambda name: (points[name][1], name))


def _beats(other: tuple[float, float], point: tuple[float, float]) -> bool:
    return other != point and other[0] >= point[0] and other[1] <= point[1]
