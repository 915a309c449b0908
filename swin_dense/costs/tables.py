"""Tables of costs for people."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from swin_dense.costs.counting import NOT_COUNTED
from swin_dense.costs.measurement import Latency, Measurement
from swin_dense.costs.parts import NUM_BOX_REGIONS, NUM_MASK_REGIONS
from swin_dense.layers.windows import Extent

if TYPE_CHECKING:
    from swin_dense.costs.description import Description


def costs_table(description: 'Description') -> str:
    """A row for each part of a model, their sum, and what the numbers mean."""
    measured = description.measurement
    rows = [
        [part.name, _millions(part.parameters), *_giga(part.macs), *_times_of(part.name, measured)]
        for part in description.parts
    ]
    if measured is not None:  # what runs with real numbers alone
        others = [name for name in measured.parts if name not in {part.name for part in description.parts}]
        rows += [[name, '-', '-', '-', *_times_of(name, measured)] for name in others]
    table = Table(box=SIMPLE)
    _add_columns(table, 'part', ['parameters M', 'MACs G', 'FLOPs G', *(['median ms', 'p95 ms'] if measured else [])])
    for row in rows:
        table.add_row(*row)
    table.add_section()
    total = [] if measured is None else _times(measured.total)
    table.add_row('total', _millions(description.parameters), *_giga(description.macs), *total)
    title = f'{description.config}, one {described_size(description.image_size)}\n'
    return title + _text(table) + ''.join(f'{line}\n' for line in _notes(description))


def sweep_table(descriptions: Sequence['Description']) -> str:
    """A row for each image size."""
    first = descriptions[0]
    measured = first.measurement is not None
    table = Table(box=SIMPLE)
    groups = list(dict.fromkeys(part.group for part in first.parts))
    extra = ['median ms', 'p95 ms', 'peak MB'] if measured else []
    _add_columns(table, 'image', [*(f'{group} GMACs' for group in groups), 'total GMACs', 'kMACs a pixel', *extra])
    for one in descriptions:
        sums = [sum(part.macs or 0 for part in one.parts if part.group == group) for group in groups]
        height, width = one.image_size[-2:]
        row = [f'{value / 1e9:.2f}' for value in [*sums, one.macs]]
        row.append(f'{one.macs / (height * width) / 1e3:.2f}')
        if one.measurement is not None:
            row += [*_times(one.measurement.total), _megabytes(one.measurement.peak_memory_bytes)]
        table.add_row(f'{height} x {width}', *row)
    return f'{first.config}, {_millions(first.parameters)} M parameters\n{_text(table)}'


def described_size(size: Extent) -> str:
    """'image of 224 x 224' or 'clip of 32 x 224 x 224'."""
    return f'{"clip" if len(size) == 3 else "image"} of {" x ".join(map(str, size))}'


def _notes(description: 'Description') -> list[str]:
    notes = ['MACs: multiply-adds of convolutions, linear layers and attention; FLOPs: 2 for each.']
    notes += [f'Not counted: {", ".join(NOT_COUNTED)}.']
    if any(part.name == 'rpn_head' and part.macs for part in description.parts):  # it proposes, rather than learn boxes
        notes.append(f'Heads of regions: {NUM_BOX_REGIONS} boxes, {NUM_MASK_REGIONS} masks.')
    if any(part.macs is None for part in description.parts):
        notes.append('Parts without MACs do not run in inference.')
    if description.closed_form is not None:
        notes.append('The backbone was counted twice, by running it and by its formula: both are equal.')
    if description.measurement is not None:
        runs = description.measurement.total.runs
        peak = _megabytes(description.measurement.peak_memory_bytes)
        notes.append(f'Measured on {description.device}, float32, {runs} runs; peak memory {peak} MB over the model.')
    return notes


def _add_columns(table: Table, first: str, others: Sequence[str]) -> None:
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify='right', no_wrap=True)


def _text(table: Table) -> str:
    """Without colours and as wide as it needs: for a terminal, a file and a pipe alike."""
    text = io.StringIO()
    Console(file=text, width=160, color_system=None).print(table)
    return ''.join(line.rstrip() + '\n' for line in text.getvalue().splitlines())


def _millions(count: int) -> str:
    return f'{count / 1e6:.2f}'


def _giga(macs: int | None) -> list[str]:
    return ['-', '-'] if macs is None else [f'{macs / 1e9:.2f}', f'{2 * macs / 1e9:.2f}']


def _times_of(part: str, measured: Measurement | None) -> list[str]:
    if measured is None:
        return []
    return _times(measured.parts[part]) if part in measured.parts else ['-', '-']


def _times(latency: Latency) -> list[str]:
    return [f'{latency.median_ms:.2f}', f'{latency.p95_ms:.2f}']


def _megabytes(peak: int | None) -> str:
    return '-' if peak is None else f'{peak / 1e6:.0f}'
