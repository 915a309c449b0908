"""Peak memory of testing a video in many views: it is that of one chunk of views.

examples:
  python benchmarks/views.py --device cuda --out benchmarks/results/gpu.jsonl
  python benchmarks/views.py --views 2 6 --frames 8 --side 112         a CPU's memory grows in steps of its allocator
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from mmengine.registry import DefaultScope

from benchmarks.backbones import append_row, environment
from swin_dense.classification.samples import ClassSample
from swin_dense.costs.measurement import ResidentPeak
from swin_dense.registry import MODELS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--views', nargs='+', type=int, default=[4, 12, 48])
    parser.add_argument('--frames', type=int, default=32)
    parser.add_argument('--side', type=int, default=224)
    parser.add_argument('--chunk', type=int, default=4, help='max_views_per_batch of the model')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--out', type=Path, help='append a JSON line for each row to this file')
    arguments = parser.parse_args()
    arguments.clock = 'wall'
    torch.set_num_threads(arguments.threads)
    model = recogniser(arguments.chunk).to(arguments.device).eval()
    peak_mb(model, arguments, arguments.chunk)  # libraries are loaded now
    for views in arguments.views:
        row = {
            'benchmark': 'views', 'model': 'video_swin_tiny', 'views': views, 'max_views_per_batch': arguments.chunk,
            'size': f'{arguments.frames}x{arguments.side}x{arguments.side}', 'dtype': 'float32',
            'peak_mb': peak_mb(model, arguments, views), **environment(arguments),
        }  # fmt: skip
        print(f'{views} views, {arguments.chunk} at a time: {row["peak_mb"]:.1f} MB over model and inputs', flush=True)
        append_row(row, arguments.out)


def recogniser(chunk: int) -> torch.nn.Module:
    backbone = {'type': 'swin_dense.VideoSwinTransformer', 'arch': 'tiny', 'out_indices': (3,)}
    head = {'type': 'swin_dense.PooledHead', 'num_classes': 400, 'in_channels': 768}
    config = {'type': 'swin_dense.VideoRecogniser', 'backbone': backbone, 'cls_head': head}
    with DefaultScope.overwrite_default_scope('mmengine'):
        return MODELS.build({**config, 'max_views_per_batch': chunk})


@torch.no_grad()
def peak_mb(model: torch.nn.Module, arguments: argparse.Namespace, views: int) -> float:
    size = views, 3, arguments.frames, arguments.side, arguments.side
    batch = {'inputs': [torch.randint(0, 256, size, dtype=torch.uint8)], 'data_samples': [ClassSample()]}
    if arguments.device == 'cuda':
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        model.test_step(batch)
        return round((torch.cuda.max_memory_allocated() - before) / 1e6, 1)
    with ResidentPeak() as peak:
        model.test_step(batch)
    return round(peak.grown / 1e6, 1)


if __name__ == '__main__':
    main()
