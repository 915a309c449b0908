"""Convert a folder of labelme's json files to COCO json, or to masks of class numbers."""

import argparse
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from swin_dense.datasets.labelme_export import Conversion, convert_labelme
from swin_dense.engine.errors import run_tool

EXAMPLES = """examples:
  python tools/convert_labelme.py photos --out data/own                       boxes and masks of objects (COCO json)
  python tools/convert_labelme.py photos --out data/own --masks               a class for each pixel
  python tools/convert_labelme.py photos --out data/own --val-share 0.1 --seed 1

Polygons, rectangles, circles and masks become objects; those of one label and one group_id become one. Lines and points
are left out, and counted. In masks, what was drawn later lies above, __ignore__ does not count, the rest is background.
exit code: 0; 2 if a file, or all of it, could not be converted.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', metavar='FOLDER', type=Path, help='json files, with all below it')
    parser.add_argument('--out', required=True, metavar='DIR', type=Path, help='new or empty folder')
    parser.add_argument('--val-share', type=float, default=0.2, metavar='S', help='of images (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='of the split (default: %(default)s)')
    parser.add_argument('--masks', action='store_true', help='write masks in place of COCO json')
    return parser.parse_args()


def main(args: argparse.Namespace) -> int:
    done = convert_labelme(
        args.folder, args.out, val_share=args.val_share, seed=args.seed, masks=args.masks, show_progress=True
    )
    report(done)
    template = 'upernet_swin_tiny_own_20k' if args.masks else 'mask_rcnn_swin_tiny_own_1x'
    classes = f' CLASSES={shlex.quote(",".join(done.classes))}' if args.masks else ''
    print(f'\nDATASET_ROOT={shlex.quote(str(args.out))}{classes} python tools/train.py configs/templates/{template}.py')
    for path, reason in done.failed:
        print(f'error: {path}: {reason}', file=sys.stderr)
    return 2 if done.failed else 0


def report(done: Conversion) -> None:
    print(f'classes: {", ".join(done.classes)}')
    for split, count in done.num_images.items():
        objects = done.num_objects[split]
        shown = ', '.join(f'{objects[name]} {name}' for name in done.classes if objects[name])
        print(f'{split}: {count} images with {shown or "no objects"}')
    if done.left_out:
        print(f'left out: {", ".join(f"{count} x {kind}" for kind, count in sorted(done.left_out.items()))}')
    if done.failed:
        print(f'not converted: {len(done.failed)} files, named below')


if __name__ == '__main__':
    arguments = parse_args()
    sys.exit(run_tool(lambda: main(arguments)))
