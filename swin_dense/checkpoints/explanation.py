"""Why a checkpoint does not fit a backbone, in words that lead to the right file or the right arguments."""

import difflib
from collections.abc import Iterator, Mapping

from torch import Tensor

from swin_dense.checkpoints.architecture import PATCHES, Shapes, compare_architectures
from swin_dense.checkpoints.report import BESIDE, LoadReport, Shape, some


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """The shapes of a state dict."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def explain(report: LoadReport, found: Shapes, built: Shapes) -> str:
    """The message of a refusal.

    Args:
        report: that is not complete.
        found: shapes in the file, by names of this package.
        built: shapes of the backbone.
    """
    architectures = compare_architectures(found, built)
    # of another architecture, names tell little more
    shown = 2 if architectures else 6
    return '\n'.join(
        [
            f'{report.source} does not fit this {report.backbone}: {len(report.loaded)} of {report.total} tensors do '
            f'(layout: {report.layout}). Nothing was loaded.',
            *filter(None, [architectures]),
            *_mismatched(report, shown),
            *_missing(report, shown),
            *_unexpected(report, shown),
            'Use the weights of this architecture, or load_pretrained(..., allow_partial=True) to load what fits.',
        ]
    )


def _mismatched(report: LoadReport, shown: int) -> Iterator[str]:
    if report.mismatched:
        rows = [f'{name} {shape} in the file, {own} here{_hint(shape, own)}' for name, shape, own in report.mismatched]
        yield f'of another shape, {len(rows)}: {some(rows, shown)}.'
    for name, shape, own in report.mismatched:
        if name == PATCHES and len(shape) == 4 and shape[1] != own[1]:
            yield (
                f'The file is for images of {shape[1]} channels, the backbone was built with in_channels={own[1]}: '
                f'build it with in_channels={shape[1]}, or give a state dict whose {PATCHES} has {own[1]} channels.'
            )


def _hint(shape: Shape, own: Shape) -> str:
    return ' (transposed?)' if len(shape) > 1 and shape == own[::-1] else ''


def _missing(report: LoadReport, shown: int) -> Iterator[str]:
    if not report.unexplained:
        return
    candidates = [*report.unexpected, *(name for name, reason in report.ignored if reason == BESIDE)]
    rows = []
    for name in report.unexplained[:shown]:
        nearest = difflib.get_close_matches(name, candidates, n=1, cutoff=0.8)
        rows.append(f'{name} (nearest in the file: {nearest[0]})' if nearest else name)
    yield f'missing in the file, {len(report.unexplained)}: {some([*rows, *report.unexplained[shown:]], shown)}.'


def _unexpected(report: LoadReport, shown: int) -> Iterator[str]:
    if report.unexpected:
        yield f'unknown to the backbone, {len(report.unexpected)}: {some(report.unexpected, shown)}.'
