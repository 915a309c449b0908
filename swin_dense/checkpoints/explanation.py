"""Why a checkpoint does not fit a backbone, in words that lead to the right file or the right arguments."""

import difflib
from collections.abc import Iterator, Mapping

from torch import Tensor

from swin_dense.checkpoints.architecture import PATCHES, Shapes, compare_architectures
from swin_dense.checkpoints.layouts import Layout, State
from swin_dense.checkpoints.layouts.names import their_name
from swin_dense.checkpoints.matching import POSITIONS, Matched
from swin_dense.checkpoints.report import BESIDE, LoadReport, Shape, some
from swin_dense.checkpoints.wrappers import Unwrapped


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """The shapes of a state dict."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def explain(
    report: LoadReport, file: Unwrapped, layout: Layout, matched: Matched, own: State, *, allow_partial: bool
) -> str:
    """The message of a refusal: what `report`, which is not complete, says of the file, and what may be the reason."""
    found = shapes(matched.found)
    architectures = _video(found, own) or compare_architectures(found, shapes(own))
    # of another architecture, names tell little more, and the nearest are none of the same weight
    shown = 2 if architectures else 6
    candidates = {} if architectures else _candidates(report, file, layout)
    return '\n'.join(
        [
            f'{report.source} does not fit this {report.backbone}: {len(report.loaded)} of {report.total} tensors do '
            f'(layout: {report.layout}). Nothing was loaded.',
            *filter(None, [architectures]),
            *_mismatched(report, shown),
            *_missing(report, candidates, layout, shown),
            *_unexpected(report, shown),
            'Use the weights of this architecture'
            + (
                '; with allow_partial=True, too, something has to fit.'
                if allow_partial
                else ', or load_pretrained(..., allow_partial=True) to load what fits.'
                if report.loaded
                else '.'
            ),
        ]
    )


def _video(found: Shapes, own: State) -> str:
    patches = found.get(PATCHES, ())
    if len(patches) != 5 or PATCHES not in own or own[PATCHES].ndim == 5:
        return ''
    size = ' x '.join(map(str, patches[2:]))
    return f'The file is of a video model (patches of {size}, time first): build a VideoSwinTransformer for it.'


def _mismatched(report: LoadReport, shown: int) -> Iterator[str]:
    if report.mismatched:
        rows = [f'{name} {shape} in the file, {own} here{_hint(shape, own)}' for name, shape, own in report.mismatched]
        yield f'of another shape, {len(rows)}: {some(rows, shown)}.'
    for name, shape, own in report.mismatched:
        if name == PATCHES and len(shape) == 4 and shape[1] != own[1]:
            yield (
                f'The file is for images of {shape[1]} channels, the backbone was built with in_channels={own[1]}, and '
                f'only weights for 3 channels are adapted: build it with in_channels={shape[1]}, or give a state dict '
                f'whose {PATCHES} has {own[1]} channels.'
            )
        if name == POSITIONS and len(shape) == len(own) == 3 and shape[2] == own[2]:
            yield (
                f'Of {shape[1]} rows of positions, which are of tokens and which of a square grid of patches is not '
                'clear, or a token lacks one; a grid that is not square is said by '
                'load_pretrained(..., position_grid=(height, width)).'
            )


def _hint(shape: Shape, own: Shape) -> str:
    return ' (transposed?)' if len(shape) > 1 and shape == own[::-1] else ''


def _missing(report: LoadReport, candidates: Mapping[str, str], layout: Layout, shown: int) -> Iterator[str]:
    if not report.unexplained:
        return
    rows = []
    for name in report.unexplained[:shown]:
        for wanted in filter(None, (their_name(name, layout.rows), name)):
            if nearest := difflib.get_close_matches(wanted, candidates, n=1, cutoff=0.8):
                rows.append(f'{name} (nearest in the file: {candidates[nearest[0]]})')
                break
        else:
            rows.append(name)
    yield f'missing in the file, {len(report.unexplained)}: {some([*rows, *report.unexplained[shown:]], shown)}.'


def _candidates(report: LoadReport, file: Unwrapped, layout: Layout) -> dict[str, str]:
    """Names that may be misspelt, of the layout and of this package -> names in the file."""
    beside = {name: name for name, reason in report.ignored if reason == BESIDE}
    unexpected = {plain: full for plain, full in file.full_names.items() if full in report.unexpected}
    return {**beside, **unexpected, **{layout.own_name(plain): full for plain, full in unexpected.items()}}


def _unexpected(report: LoadReport, shown: int) -> Iterator[str]:
    if report.unexpected:
        yield f'unknown to the backbone, {len(report.unexpected)}: {some(report.unexpected, shown)}.'
