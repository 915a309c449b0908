"""Print a config with its bases resolved, or what it changes: python tools/print_config.py CONFIG [--diff OTHER]."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.config_text import BASE, config_text
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/print_config.py configs/swin/mask_rcnn_swin_tiny_coco_3x.py
  python tools/print_config.py CONFIG --diff                              what it changes of its _base_
  python tools/print_config.py CONFIG --diff OTHER                        what is different from another config
  python tools/print_config.py CONFIG --diff CONFIG --cfg-options train_cfg.max_epochs=24
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of the config file')
    parser.add_argument(
        '--diff',
        nargs='?',
        const=BASE,
        metavar='OTHER',
        help='print what is different from OTHER (default: its _base_)',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config'
    )
    arguments = parser.parse_args()
    return run_tool(lambda: _print(arguments))


def _print(arguments: argparse.Namespace) -> int:
    print(config_text(arguments.config, diff=arguments.diff, cfg_options=arguments.cfg_options))
    return 0


if __name__ == '__main__':
    sys.exit(main())
