"""From records to files: costs, statistics, pictures, tables and reports.

A part that cannot be had is a line of the notes. Statistics are no such part: without them there is no report.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from mmengine.config import Config

from swin_dense.comparison.collecting import curves
from swin_dense.comparison.cost_measurement import measure_costs
from swin_dense.comparison.disagreements import disagreements
from swin_dense.comparison.html_report import write_html
from swin_dense.comparison.markdown_report import write_markdown
from swin_dense.comparison.published import published_rows
from swin_dense.comparison.receptive_fields import receptive_field_pictures
from swin_dense.comparison.results import Comparison, ModelCosts, PictureRow, RunRecord
from swin_dense.comparison.rows import ROWS, read_rows, write_csv
from swin_dense.comparison.summary import summarise
from swin_dense.engine.checkpoint_files import newest_checkpoint
from swin_dense.engine.errors import DEBUG_VARIABLE, explain
from swin_dense.engine.settings import load_config, restored_scope
from swin_dense.engine.start_log import versions

CSV, MARKDOWN, HTML = 'results.csv', 'report.md', 'report.html'
PICTURES = 'pictures'
_NUM_RECEPTIVE_FIELD_IMAGES = 16

T = TypeVar('T')


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """What a report is made of besides the records.

    Args:
        out: folder for it.
        paths: name -> config file of each model.
        configs: name -> config as it was run; others are read from their files.
        command: that makes it again.
        allowed, notes: lines for the report.
        published: names of published results to show beside.
        costs: whether to measure them.
        receptive_fields: whether to draw them.
        device: for costs; None: cuda where there is one.
        precision: of costs: fp32, bf16 or fp16.
    """

    out: Path
    paths: Mapping[str, Path]
    configs: Mapping[str, Config] = field(default_factory=dict)
    title: str
    command: str
    allowed: Sequence[str] = ()
    notes: Sequence[str] = ()
    published: Sequence[str] = ()
    costs: bool = True
    receptive_fields: bool = False
    device: str | None = None
    precision: str = 'fp32'


def write_reports(records: Sequence[RunRecord], request: ReportRequest) -> Comparison:
    """Write results.csv, report.md and report.html.

    Raises:
        ValueError: what runs kept of each image is damaged or does not fit together.
    """
    maker = _Maker(records, request)
    write_csv(request.out / CSV, records)
    costs = maker.costs()
    published = published_rows(request.published) if request.published else []
    print('statistics ...', file=sys.stderr, flush=True)
    comparison = summarise(
        records,
        costs,
        title=request.title,
        command=request.command,
        date=time.strftime('%Y-%m-%d'),
        allowed=request.allowed,
        curves=curves(records),
        versions=versions(),
        notes=(),
        published=published,
    )
    comparison = replace(comparison, pictures=maker.pictures(comparison))
    comparison = replace(comparison, notes=[*comparison.notes, *maker.notes])
    for name, write in ((MARKDOWN, write_markdown), (HTML, write_html)):
        write(comparison, request.out / name)
        print(f'written: {request.out / name}', file=sys.stderr)
    return comparison


class _Maker:
    """Makes the parts that may fail; says in `notes` which did."""

    def __init__(self, records: Sequence[RunRecord], request: ReportRequest) -> None:
        self._records, self._request = records, request
        self.notes = [*request.notes, *read_rows(request.out / ROWS)[1]]
        self._checkpoints: dict[str, Path] = {}
        for record in sorted(records, key=lambda record: record.seed):
            if record.state == 'finished' and (path := newest_checkpoint(record.folder)) is not None:
                self._checkpoints.setdefault(record.name, path)

    def costs(self) -> Mapping[str, ModelCosts]:
        request = self._request
        if not request.costs:
            self.notes.append('costs were not measured: --no-costs')
            return {}
        device = request.device or ('cuda' if torch.cuda.is_available() else 'cpu')
        return self._tried(
            'costs',
            lambda: measure_costs(
                self._configs(),
                out=request.out,
                device=device,
                precision=request.precision,
                checkpoints=self._checkpoints,
            ),
            {},
        )

    def pictures(self, comparison: Comparison) -> list[PictureRow]:
        request, folder = self._request, self._request.out / PICTURES
        rows: list[PictureRow] = []
        rows += self._tried(
            'the images where models disagree most', lambda: disagreements(comparison, request.paths, folder), []
        )
        if request.receptive_fields:
            rows += self._tried(
                'receptive fields',
                lambda: receptive_field_pictures(
                    self._configs(), self._checkpoints, folder, num_images=_NUM_RECEPTIVE_FIELD_IMAGES
                ),
                [],
            )
        return rows

    def _configs(self) -> dict[str, Config]:
        request = self._request
        return {name: request.configs.get(name) or load_config(path) for name, path in request.paths.items()}

    def _tried(self, what: str, make: Callable[[], T], otherwise: T) -> T:
        print(f'{what} ...', file=sys.stderr, flush=True)
        try:
            with restored_scope():
                return make()
        except Exception as error:  # whatever it is: hours of training are not lost to a picture
            if os.environ.get(DEBUG_VARIABLE):
                raise
            note = f'{what} could not be had: {explain(error)}'
            print(f'{note}\n({DEBUG_VARIABLE}=1 shows the traceback)', file=sys.stderr)
            self.notes.append(note)
            return otherwise
