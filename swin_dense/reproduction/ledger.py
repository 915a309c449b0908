"""docs/reproduction.md: every published result that a config stands for, and what was trained of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from swin_dense.engine.atomic import write_text
from swin_dense.engine.settings import load_config
from swin_dense.reproduction.effort import ASSUMPTION, HARDWARE, effort_of
from swin_dense.reproduction.rows import LedgerRow, ledger_rows

DOCUMENT = Path('docs', 'reproduction.md')
_HEAD = f"""# What is published, and what was trained again

A row for each published result that a config of this package stands for: which number to expect, how to train it, and
what it would take. "not trained" is what it says: nobody trained this config with this package and told the number.

- Training: `python tools/train.py CONFIG --amp bf16`, CONFIG being a path below the folder of configs, under `torchrun
  --nproc_per_node=8` for the batch of the recipe; then `python tools/test.py CONFIG WORK_DIR --out results.json`.
- Published weights, tested with this package: `python tools/verify.py NAME` with the name of a row that has "weights";
  it says whether the number is within the tolerance of the published one.
- Hours: {ASSUMPTION}.
- What was trained is in `configs/trained.yaml`: config, value, commit, seed, hardware.

Written by `python tools/ledger.py`; `--check` says whether it is what would be written.
"""
_COLUMNS = ('name', 'expected', 'config', 'samples', f'hours on {HARDWARE}', 'weights', 'status')


def ledger_text(root: Path) -> str:
    """The document, of the checkout in `root`."""
    rows = ledger_rows(root / 'configs')
    hours: dict[str, tuple[str, str]] = {}
    for row in tqdm(rows, 'counting', unit='row', disable=None):
        if row.config not in hours:
            effort = effort_of(load_config(str(root / 'configs' / row.config)), Path(row.config).stem)
            hours[row.config] = (
                f'{effort.samples / 1e6:.1f} M',
                f'{effort.hours:,.1f}' if effort.hours < 10 else f'{effort.hours:,.0f}',
            )
    blocks = [_HEAD]
    for task in dict.fromkeys(row.task for row in rows):
        table = '\n'.join(_table([row for row in rows if row.task == task], hours))
        blocks.append(f'## {task}\n\n{table}\n')
    return '\n'.join(blocks)


def _table(rows: Sequence[LedgerRow], hours: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield f'| {" | ".join(_COLUMNS)} |'
    yield '|' + '---|' * len(_COLUMNS)
    for row in rows:
        expected = ', '.join(f'{metric} {value:g}' for metric, value in row.expected.items())
        weights = f'`{row.published.weights}`' if row.published.weights else ''
        cells = (f'`{row.name}`', expected, f'`{row.config}`', *hours[row.config], weights, _status(row))
        yield f'| {" | ".join(cells)} |'


def _status(row: LedgerRow) -> str:
    if not row.trained:
        return 'not trained'
    last = row.trained[-1]
    return f'{last.value:g} (commit {last.commit}, seed {last.seed}, {last.hardware})'


def write_ledger(root: Path, *, check: bool) -> int:
    """Write the document, or with `check` compare it; gives the exit code."""
    path, text = root / DOCUMENT, ledger_text(root)
    if not check:
        write_text(path, text)
        print(f'wrote {path}')
        return 0
    there = path.read_text(encoding='utf-8') if path.is_file() else ''
    if there == text:
        print(f'{path} is what would be written')
        return 0
    print(f'{path} is not what would be written: run python tools/ledger.py')
    return 1
