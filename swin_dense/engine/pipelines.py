"""Finding the data sets inside wrappers, and the steps of a pipeline that load annotations."""

import re
from collections.abc import Iterator
from typing import Any

# mmcv's, mmdet's and mmseg's loaders, and classes that derive from them: LoadAnnotations, LoadPanopticAnnotations, ...
_LOADER = re.compile(r'Load\w*Annotations?$')


def leaf_datasets(dataset: Any) -> Iterator[Any]:
    """Give the data sets that load samples themselves, from within repeated, joined, seeded and mixed ones."""
    held = vars(dataset)
    parts = [part for part in [held.get('dataset'), *(held.get('datasets') or ())] if hasattr(part, '__getitem__')]
    if not parts:
        yield dataset
    for part in parts:
        yield from leaf_datasets(part)


def annotation_loaders(pipeline: Any) -> Iterator[tuple[list[Any], int]]:
    """Give (list of steps, place) of each step that loads annotations, also within steps that hold steps.

    Args:
        pipeline: a built pipeline: mmengine's Compose, or a list of steps.
    """
    steps = pipeline if isinstance(pipeline, list) else getattr(pipeline, 'transforms', None)
    if not isinstance(steps, list):
        return
    for place, step in enumerate(steps):
        if any(_LOADER.fullmatch(cls.__name__) for cls in type(step).__mro__):
            yield steps, place
        # TestTimeAug has `subroutines`, RandomChoice lists of steps, RandomApply and KeyMapper a Compose
        inner = getattr(step, 'subroutines', None) or getattr(step, 'transforms', None)
        for part in inner if isinstance(inner, list) else [inner]:
            yield from annotation_loaders(part)


def insert_after_loading(pipeline: Any, step: Any) -> None:
    """Put `step` behind each that loads annotations and behind those that complete what it loads.

    Args:
        pipeline: changed in place; a step of the same class that is there already is taken out.
        step: called with a sample's dict; `completes_loading = True` lets others know that it belongs to the loader.
    """
    for steps, place in list(annotation_loaders(pipeline))[::-1]:  # the last first: places before it stay true
        end = place + 1
        while end < len(steps) and getattr(steps[end], 'completes_loading', False):
            end += 1
        others = [other for other in steps[place + 1 : end] if type(other) is not type(step)]
        steps[place + 1 : end] = [*others, step]
