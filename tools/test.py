"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT. The work is in swin_dense.engine.testing."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool
from swin_dense.engine.launch import LAUNCHERS
from swin_dense.engine.testing import evaluate

EXAMPLES = """
examples:
  python tools/test.py CONFIG work_dirs/NAME/epoch_36.pth
  python tools/test.py CONFIG epoch_36.pth --out results.json --cfg-options test_dataloader.batch_size=4
  python tools/test.py CONFIG work_dirs/NAME                              the newest checkpoint there
  torchrun --nproc_per_node=8 tools/test.py CONFIG epoch_36.pth --out results.json
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('checkpoint', help='path or URL, or a work dir: its newest. It has to fit the model exactly')
    parser.add_argument('--out', metavar='JSON', help='write metrics, checksum, versions and protocol to this file')
    parser.add_argument(
        '--per-image', metavar='DIR', help='write what was found in each image there, for tools/compare.py'
    )
    parser.add_argument('--launcher', choices=LAUNCHERS, help="default: torchrun's environment if there is one")
    parser.add_argument('--skip-checks', action='store_true', help='start without the quick checks of config and data')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config'
    )
    arguments = parser.parse_args()
    return run_tool(
        lambda: evaluate(
            arguments.config,
            arguments.checkpoint,
            out=arguments.out,
            launcher=arguments.launcher,
            cfg_options=arguments.cfg_options,
            skip_checks=arguments.skip_checks,
            per_image=arguments.per_image,
        )
    )


if __name__ == '__main__':
    sys.exit(main())
