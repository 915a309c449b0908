"""Train a model: python tools/train.py CONFIG. The work is in swin_dense.engine.training."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # works from anywhere, installed or not

import swin_dense  # noqa: F401 - first: it fills in for an mmcv without compiled operators
from swin_dense.engine.arguments import ConfigChanges
from swin_dense.engine.errors import run_tool
from swin_dense.engine.launch import LAUNCHERS
from swin_dense.engine.training import train

EXAMPLES = """
examples:
  python tools/train.py configs/swin/mask_rcnn_swin_tiny_coco_3x.py
  python tools/train.py CONFIG --work-dir runs/1 --amp bf16 --seed 1
  python tools/train.py CONFIG --work-dir runs/1 --resume                 go on from the newest checkpoint
  torchrun --nproc_per_node=8 tools/train.py CONFIG                       8 GPUs
  srun --ntasks=16 --gpus-per-task=1 python tools/train.py CONFIG --launcher slurm
  python tools/train.py CONFIG --cfg-options train_dataloader.batch_size=4 train_cfg.max_epochs=24
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('--work-dir', help='folder of checkpoints and logs (default: work_dirs/NAME OF THE CONFIG)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const=True,
        default=False,
        metavar='PATH',
        help='go on from PATH, or from the newest checkpoint of the work dir; starts where there is none',
    )
    parser.add_argument('--amp', choices=('bf16', 'fp16'), help='train under autocast, on CPU and GPU')
    parser.add_argument('--compile', action='store_true', help='compile the backbone')
    parser.add_argument('--seed', type=int, help="random seed (default: the config's)")
    parser.add_argument('--deterministic', action='store_true', help='deterministic algorithms; slower on GPUs')
    parser.add_argument('--launcher', choices=LAUNCHERS, help="default: torchrun's environment if there is one")
    parser.add_argument('--skip-checks', action='store_true', help='start without the quick checks of config and data')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigChanges, metavar='KEY=VALUE', help='change values of the config'
    )
    arguments = parser.parse_args()
    return run_tool(
        lambda: train(
            arguments.config,
            work_dir=arguments.work_dir,
            resume=arguments.resume,
            amp=arguments.amp,
            compile_backbone=arguments.compile,
            seed=arguments.seed,
            deterministic=arguments.deterministic,
            launcher=arguments.launcher,
            cfg_options=arguments.cfg_options,
            skip_checks=arguments.skip_checks,
        )
    )


if __name__ == '__main__':
    sys.exit(main())
