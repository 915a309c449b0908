"""Write weights in another key layout: python tools/convert_weights.py SOURCE TARGET --to LAYOUT.

The layout of SOURCE is read from its keys. The work is in swin_dense.checkpoints.conversion_tool.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.checkpoints.conversion_tool import TARGETS, convert_weights
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/convert_weights.py swin_tiny_patch4_window7_224 swin_tiny_mmdet.pth --to mmdet
  python tools/convert_weights.py work_dirs/NAME/epoch_36.pth mask_rcnn_mmdet.pth --to mmdet      heads included
  python tools/convert_weights.py model.safetensors swin.pth --to official
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='path, URL or short name of the weights: .pth, .safetensors or .npz')
    parser.add_argument('target', help='file to write: .pth or .safetensors')
    parser.add_argument('--to', required=True, choices=TARGETS, metavar='LAYOUT', help=f'one of {", ".join(TARGETS)}')
    arguments = parser.parse_args()
    return run_tool(lambda: convert_weights(arguments.source, arguments.target, to=arguments.to))


if __name__ == '__main__':
    sys.exit(main())
