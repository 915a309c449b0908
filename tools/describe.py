"""What a model costs: python tools/describe.py CONFIG; what a file of weights is: --weights FILE.

The work is in swin_dense.costs and swin_dense.checkpoints.identification.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.checkpoints.identification import describe_weights
from swin_dense.costs.description import describe
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool

EXAMPLES = """
examples:
  python tools/describe.py configs/swin/mask_rcnn_swin_tiny_coco_3x.py           at 800 x 1280, as papers count
  python tools/describe.py CONFIG --shape 1024 1024 --json                       of videos --shape 32 224 224
  python tools/describe.py CONFIG --latency --device cuda
  python tools/describe.py CONFIG --cfg-options model.backbone.window_size=12
  python tools/describe.py configs/_base_/backbones/swin_tiny.py configs/_base_/backbones/deit_small.py \\
      --sweep 224,448,896 --plot sweep.png
  python tools/describe.py --weights epoch_36.pth swin_tiny_patch4_window7_224   layout, model, window, classes
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='*', metavar='CONFIG', help='path of a config, or of a file with a backbone')
    parser.add_argument('--weights', nargs='+', metavar='FILE', help='path, URL or short name, in place of configs')
    parser.add_argument(
        '--shape',
        nargs='+',
        type=int,
        metavar='N',
        help='height and width of the image, before them the frames of clips (default: 800 1280 for detectors, '
        '512 2048 or the like for segmentors, 32 224 224 for recognisers of videos, else 224 224)',
    )
    parser.add_argument('--sweep', metavar='SIDES', help='a table over square images instead, as 224,448,896')
    parser.add_argument('--plot', metavar='FILE', help='draw the sweep, of all configs in one, to a .png or .svg')
    parser.add_argument('--latency', action='store_true', help='measure latency and peak memory, too')
    parser.add_argument('--device', help='where to measure (default: a GPU if there is one)')
    parser.add_argument('--json', action='store_true', help='one line of JSON for each config or file')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config'
    )
    arguments = parser.parse_args()
    costs = {
        'shape': arguments.shape and tuple(arguments.shape),
        'sweep': arguments.sweep,
        'plot': arguments.plot,
        'latency': arguments.latency,
        'device': arguments.device,
        'cfg_options': arguments.cfg_options,
    }
    if bool(arguments.configs) == bool(arguments.weights):
        parser.error('give configs, or --weights with files')
    if not arguments.weights:
        return run_tool(lambda: describe(arguments.configs, as_json=arguments.json, **costs))
    if any(costs.values()):
        parser.error('--weights goes with --json alone: what files cost depends on their model')
    return run_tool(lambda: describe_weights(arguments.weights, as_json=arguments.json))


if __name__ == '__main__':
    sys.exit(main())
