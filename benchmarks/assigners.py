"""Our assigners of objects to anchors against mmdet's: time, peak of resident memory, and the same assignment.

mmdet's take 44 bytes for each pair of an object and an anchor: they are left out where that is more than there is.

examples:
  python benchmarks/assigners.py                                        30, 300 and 5000 objects, 250,000 anchors
  python benchmarks/assigners.py --objects 300 --anchors 250000 --rounds 5 --clock cpu
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from mmengine.structures import InstanceData

from benchmarks.backbones import append_row, environment
from swin_dense.assigners.atss import ATSSAssigner
from swin_dense.assigners.budget import VALUES_PER_PAIR
from swin_dense.assigners.max_iou import MaxIoUAssigner
from swin_dense.costs.measurement import ResidentPeak


@dataclass(frozen=True)
class Case:
    """A class, derived from mmdet's; `levels` are the shares of anchors of each level, where it has any."""

    name: str
    ours: type
    settings: dict[str, Any]
    levels: tuple[float, ...] = ()


CASES = {
    case.name: case
    for case in (
        Case('MaxIoUAssigner', MaxIoUAssigner, {'pos_iou_thr': 0.7, 'neg_iou_thr': 0.3, 'min_pos_iou': 0.3}),
        Case('ATSSAssigner', ATSSAssigner, {'topk': 9}, (0.75, 0.19, 0.05, 0.01)),
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--assigners', nargs='+', default=list(CASES), choices=CASES)
    parser.add_argument('--objects', nargs='+', type=int, default=[30, 300, 5000])
    parser.add_argument('--anchors', type=int, default=250_000)
    parser.add_argument('--rounds', type=int, default=3, help='timed turns, after one that is not')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument(
        '--clock', choices=['wall', 'cpu'], default='wall', help="cpu: the process' own time, one thread"
    )
    parser.add_argument('--out', type=Path, help='append a JSON line for each row to this file')
    arguments = parser.parse_args()
    arguments.device = 'cpu'
    if arguments.clock == 'cpu':
        arguments.threads = 1
    torch.set_num_threads(arguments.threads)
    for name in arguments.assigners:
        for num_objects in arguments.objects:
            row = compared(
                CASES[name],
                num_objects=num_objects,
                num_priors=arguments.anchors,
                rounds=arguments.rounds,
                clock=arguments.clock,
            )
            print(row, flush=True)
            append_row({'benchmark': 'assigners', **row, **environment(arguments)}, arguments.out)


def compared(case: Case, *, num_objects: int, num_priors: int, rounds: int, clock: str = 'wall') -> dict[str, Any]:
    """Assign by both classes in turn: the row of a table."""
    torch.manual_seed(0)
    priors = InstanceData(priors=_boxes(num_priors))
    objects = InstanceData(bboxes=_boxes(num_objects), labels=torch.randint(80, (num_objects,)))
    sizes = [round(num_priors * share) for share in case.levels]
    arguments = (priors, [*sizes[:-1], num_priors - sum(sizes[:-1])], objects) if sizes else (priors, objects)
    fits = num_objects * num_priors * VALUES_PER_PAIR * 4 < 0.5 * _free_bytes()
    sides = [case.ours(**case.settings)] + ([case.ours.__base__(**case.settings)] if fits else [])
    results, peaks = zip(*(_watched(lambda side=side: side.assign(*arguments)) for side in sides), strict=True)
    seconds = [[_timed(lambda side=side: side.assign(*arguments), clock) for side in sides] for _ in range(rounds)]
    ratios = [turn[1] / turn[0] for turn in seconds if fits]
    medians = [round(statistics.median(turn), 4) for turn in zip(*seconds, strict=True)]
    return {
        'assigner': case.name, 'objects': num_objects, 'anchors': num_priors, 'rounds': rounds,
        'ratio_median': round(statistics.median(ratios), 3) if fits else None,
        'ratio_min': round(min(ratios), 3) if fits else None, 'ratio_max': round(max(ratios), 3) if fits else None,
        'ours_s': medians[0], 'peer_s': medians[1] if fits else None,
        'ours_peak_mb': round(peaks[0] / 1e6, 1), 'peer_peak_mb': round(peaks[1] / 1e6, 1) if fits else None,
        'assigned': int((results[0].gt_inds > 0).sum()), 'same_assignment': _same(*results) if fits else None,
    }  # fmt: skip


def _boxes(count: int) -> torch.Tensor:
    corners, extents = torch.rand(count, 2) * 1300, torch.rand(count, 2) * 60 + 4
    return torch.cat([corners, corners + extents], dim=1)


def _free_bytes() -> int:
    return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def _watched(assign: Callable[[], Any]) -> tuple[Any, int]:
    with ResidentPeak() as peak:
        result = assign()
    return result, peak.grown


def _timed(assign: Callable[[], Any], clock: str) -> float:
    now = time.process_time if clock == 'cpu' else time.perf_counter
    start = now()
    assign()
    return now() - start


def _same(ours: Any, theirs: Any) -> bool:
    return all(torch.equal(getattr(ours, key), getattr(theirs, key)) for key in ('gt_inds', 'labels', 'max_overlaps'))


if __name__ == '__main__':
    main()
