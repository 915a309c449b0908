"""One table of what `tools/test.py` wrote."""

import json
from pathlib import Path

# the figures that papers report, in percent as they do: name and factor to percent, in the order of a table
HEADLINES = {
    'coco/bbox_mAP': ('box mAP %', 100),
    'coco/segm_mAP': ('mask mAP %', 100),
    'mIoU': ('mIoU %', 1),
    'acc/top1': ('top-1 %', 1),
}


def results_table(paths: list[Path]) -> str:
    """A row for each results file: config, headline metrics, samples, where it lies.

    Raises:
        ValueError: a file is not what `tools/test.py --out` writes.
    """
    rows = [['config', *(title for title, _ in HEADLINES.values()), 'samples', 'results']]
    for path in paths:
        try:
            results = json.loads(path.read_text())
            metrics, samples = results['metrics'], results['protocol']['samples']
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is no file of tools/test.py --out: {error!r}.') from error
        values = [(metrics.get(name), factor) for name, (_, factor) in HEADLINES.items()]
        rows.append(
            [
                Path(results['config']).stem,
                *('-' if value is None else f'{value * factor:.1f}' for value, factor in values),
                str(samples),
                str(path),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return '\n'.join([lines[0], '-' * len(lines[0]), *lines[1:]])
