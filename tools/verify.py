"""Test published weights on your data set, and say whether they give the published number.

NAME is a row of docs/reproduction.md, a config, or published weights.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool
from swin_dense.reproduction.rows import ledger_rows
from swin_dense.reproduction.verification import find_row, verify

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
EXAMPLES = """examples:
  python tools/verify.py --list
  python tools/verify.py classifier_swin_tiny_imagenet1k_300_epochs --data-root data/imagenet
  python tools/verify.py upernet_swin_tiny_ade20k_160k@swinseg --checkpoint upernet_swin_tiny_patch4_window7_512x512.pth

exit code: 0 within the tolerance, 1 outside, 2 where weights or data are not there.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('name', nargs='?', metavar='NAME', help='row, config or weights')
    parser.add_argument('--list', action='store_true', help='print the rows that have published weights, and end')
    parser.add_argument('--checkpoint', metavar='FILE', help='the weights (default: downloaded, checked and kept)')
    parser.add_argument('--data-root', metavar='DIR', help='of the test set (default: as the config says)')
    parser.add_argument('--out', metavar='FILE', help='write the results of the test, json')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change the config')
    given = parser.parse_args()
    if given.list:
        for row in ledger_rows(CONFIGS):
            if row.published.weights:
                print(
                    f'{row.name}  {", ".join(f"{m} {v:g}" for m, v in row.expected.items())}  {row.published.weights}'
                )
        return 0
    if given.name is None:
        parser.error('give a NAME, or --list')
    return run_tool(
        lambda: verify(
            find_row(given.name, CONFIGS),
            CONFIGS,
            checkpoint=given.checkpoint,
            data_root=given.data_root,
            out=given.out,
            cfg_options=given.cfg_options,
        )
    )


if __name__ == '__main__':
    sys.exit(main())
