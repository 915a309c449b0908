"""Write a small, real data set: JPEG scenes with COCO instance json and ADE20K-style masks, videos, or classes."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from swin_dense.datasets.demo import REFERENCE_DIGEST, DemoRecipe, make_demo_data
from swin_dense.datasets.demo_classes import ClassRecipe, make_demo_classes
from swin_dense.datasets.demo_clips import ClipRecipe, make_demo_clips
from swin_dense.datasets.demo_labelme import write_labelme
from swin_dense.engine.errors import run_tool

EXAMPLES = """examples:
  python tools/make_demo_data.py demo/data
  python tools/make_demo_data.py other/data --seed 1 --num-train 2000
  python tools/make_demo_data.py demo/data --labelme demo/labelled   the same scenes as a labelling tool leaves them

  python tools/make_demo_data.py demo/clips --clips           videos in place of pictures
  python tools/make_demo_data.py demo/classes --classes       pictures in a folder for each class

what it writes:
  DIR/detection/annotations/instances_{train,val}.json
  DIR/detection/{train,val}/*.jpg
  DIR/segmentation/images/{training,validation}/*.jpg
  DIR/segmentation/annotations/{training,validation}/*.png
of --clips:
  DIR/actions/{train,val}.txt, classes.txt, videos/{train,val}/*.mp4   the class is the motion
  DIR/segmentation/{train,val}.txt, data/*/origin/*.jpg, mask/*.png    as VSPW: still and moving shapes
of --classes:
  DIR/arrangements/{train,val}/CLASS/*.jpg    the class is where a cross lies, seen from a ring
  DIR/objects/{train,val}/CLASS/*.jpg         one thing of the scenes each

The same options give the same bytes on every machine. Data that lies in DIR already is checked and kept.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = DemoRecipe()
    parser.add_argument('directory', metavar='DIR', type=Path, help='new or empty directory, or one with this data')
    parser.add_argument('--seed', type=natural, default=default.seed, help='other scenes (default: %(default)s)')
    parser.add_argument('--num-train', type=natural, help=f'images (default: {default.num_train}) or videos')
    parser.add_argument('--num-val', type=natural, help=f'images (default: {default.num_val}) or videos')
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument('--clips', action='store_true', help='write videos: for recognition and for segmentation')
    kind.add_argument('--classes', action='store_true', help='write two sets for classification')
    parser.add_argument(
        '--labelme',
        metavar='DIR',
        type=Path,
        help='also write the training scenes as a folder of labelme, with mistakes to find (docs/first_model.md)',
    )
    return parser.parse_args()


def natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be a whole number from 0; got {text!r}')
    return int(text)


def main(args: argparse.Namespace) -> int:
    numbers = {name: getattr(args, name) for name in ('seed', 'num_train', 'num_val')}
    numbers = {name: value for name, value in numbers.items() if value is not None}
    if args.clips:
        data = make_demo_clips(args.directory, ClipRecipe(**numbers), show_progress=True)
    elif args.classes:
        data = make_demo_classes(args.directory, ClassRecipe(**numbers), show_progress=True)
    else:
        recipe = DemoRecipe(**numbers)
        data = make_demo_data(args.directory, recipe, show_progress=True)
    print(f'{"Wrote" if data.is_new else "Kept: complete and unchanged,"} {data.directory} (SHA-256 {data.digest})')
    if args.clips or args.classes:
        return 0
    if args.labelme is not None:
        print(f'Wrote {args.labelme}, {write_labelme(data.directory, args.labelme)} labelled images')
    if recipe == DemoRecipe() and data.digest != REFERENCE_DIGEST:
        print('Other bytes than the recorded ones: the installed Pillow has another JPEG encoder. Everything works.')
    return 0


if __name__ == '__main__':
    arguments = parse_args()
    sys.exit(run_tool(lambda: main(arguments)))
