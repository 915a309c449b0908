"""Give trained weights away: python tools/publish.py CKPT [--results JSON]. The work is in checkpoints.publishing.

Writes the weights alone, as safetensors, with a checksum in the name; their config; and a model card.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.checkpoints.publishing import publish
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/test.py CONFIG work_dirs/NAME/epoch_36.pth --out results.json
  python tools/publish.py work_dirs/NAME/epoch_36.pth --results results.json --out published
  python tools/publish.py work_dirs/NAME --no-ema                       the newest checkpoint there, not averaged
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='path, URL or short name, or a work dir: its newest')
    parser.add_argument('--out', default='.', metavar='DIR', help='folder to write to (default: the current one)')
    parser.add_argument('--results', metavar='JSON', help='what tools/test.py --out wrote for this checkpoint')
    parser.add_argument(
        '--ema',
        action=argparse.BooleanOptionalAction,
        help='averaged weights, or those that were trained (default: those that tools/test.py takes)',
    )
    parser.add_argument(
        '--any-model', action='store_true', help='also a model without a whole backbone of this package'
    )
    return run_tool(lambda: publish(**vars(parser.parse_args())))


if __name__ == '__main__':
    sys.exit(main())
