"""Predict images or videos: python tools/predict.py CONFIG CHECKPOINT INPUT... --out DIR. See swin_dense.inference."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool
from swin_dense.inference.command import Run, predict_files
from swin_dense.inference.options import augmentation, batch_size, probability, shard, split_positional
from swin_dense.inference.worker import Settings

EXAMPLES = """
WHAT is [CONFIG] CHECKPOINT INPUT...; checkpoints of this package carry their config; a work dir stands for its newest.
INPUT: files, folders (with all below them), globs, text files of paths, URLs, videos, - for paths on stdin.
examples:
  python tools/predict.py work_dirs/NAME/epoch_36.pth photos --out predictions
  python tools/predict.py CONFIG CHECKPOINT photos 'more/**/*.png' --out predictions --batch-size 8 --amp bf16
  python tools/predict.py CONFIG CHECKPOINT photos --out predictions --resume
  python tools/predict.py CONFIG CHECKPOINT aerial.tif --out predictions --tile 1024 --overlap 256
  python tools/predict.py CONFIG CHECKPOINT photos --out predictions --shard 3/16        of a job array

what it writes to DIR: overlays/, for segmentation masks/ and colors/, of videos videos/, with the inputs' names;
predictions.jsonl (a line an image, or a recognised video), coco.json (detection), failed.txt, summary.json.
exit code: 0; 2 if an image, or all of it, could not be predicted; 130 if it was interrupted.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', nargs='+', metavar='WHAT', help='[CONFIG] CHECKPOINT INPUT..., as below')
    add = parser.add_argument
    add('--out', required=True, metavar='DIR', help='folder for the predictions')
    add('--batch-size', type=batch_size, default='auto', metavar='N', help="images of one size at once; default 'auto'")
    add('--device', help='cpu, cuda, cuda:1, mps; default: a GPU if there is one')
    add(
        '--score-thr',
        type=probability,
        default=0.3,
        help='objects below it are not drawn; results hold all (default: 0.3)',
    )
    add(
        '--save',
        nargs='+',
        metavar='KIND',
        help='detection: overlays, coco, videos; segmentation: overlays, masks, colors, videos. Default: all',
    )
    add('--resume', action='store_true', help='go on with what is missing in DIR')
    add('--amp', choices=('bf16', 'fp16'), help='lower precision, faster on GPUs and processors that have it')
    add('--compile', action='store_true', help='compile the backbone: for many images of few sizes')
    add('--tile', type=int, metavar='N', help='cut images that are larger into tiles of N x N pixels')
    add('--overlap', type=int, metavar='N', help='of neighbouring tiles, in pixels (default: a quarter)')
    add('--tta', action='store_true', help='see each image at several scales and mirrored; results are merged')
    add('--tta-scales', nargs='+', type=float, metavar='F', help='factors on the test size; implies --tta')
    add('--no-tta-flip', action='store_true', help='with --tta: not mirrored')
    add('--workers', type=int, metavar='N', help='threads that load, and as many that write; 0: none beside the model')
    add('--max-pixels', type=int, metavar='N', help='refuse larger images (default: 500 million)')
    add('--annotations', metavar='JSON', help='COCO json whose ids of images and categories coco.json gets')
    add('--shard', type=shard, default='1/1', metavar='K/N', help='the K-th of N parts of the inputs')
    add('--ray', nargs='?', const='', metavar='ADDRESS', help='predict on a Ray cluster; without ADDRESS a local one')
    add('--ray-workers', type=int, default=2, metavar='N', help='actors on it (default: 2)')
    add('--quiet', action='store_true', help='a line now and then in place of a progress bar')
    add('--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config')
    return parser.parse_args()


def main(arguments: argparse.Namespace) -> int:
    config, checkpoint, inputs = split_positional(arguments.what)
    settings = Settings(
        out=arguments.out,
        predictor={
            'config': config,
            'checkpoint': checkpoint,
            'device': arguments.device,
            'precision': arguments.amp or 'fp32',
            'compile': arguments.compile,
            'tile': arguments.tile,
            'overlap': arguments.overlap,
            'augmentation': augmentation(arguments.tta, arguments.tta_scales, flip=not arguments.no_tta_flip),
            'cfg_options': arguments.cfg_options,
        },
        save=None if arguments.save is None else tuple(arguments.save),
        score_thr=arguments.score_thr,
        batch_size=arguments.batch_size,
        num_workers=arguments.workers,
        max_pixels=arguments.max_pixels,
    )
    names = ('shard', 'resume', 'annotations', 'quiet', 'ray', 'ray_workers')
    return predict_files(Run(inputs, settings, **{name: getattr(arguments, name) for name in names}))


if __name__ == '__main__':
    parsed = parse_args()
    sys.exit(run_tool(lambda: main(parsed)))
