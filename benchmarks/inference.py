"""Prediction of a folder against mmdet's DetInferencer and mmseg's MMSegInferencer: same model, weights and images.

Both read the images, predict them, and write a picture with the predictions and the results of each. Models are loaded
before the clock starts. One run, taken in turn; medians of pairwise ratios with their spread; peak memory over the
loaded model, each in a process of its own.

examples (make demo writes the checkpoints and images; CONFIG: configs/demo/mask_rcnn_swin_demo.py):
  python benchmarks/inference.py CONFIG demo/detection/iter_400.pth demo/data/detection/train
  python benchmarks/inference.py CONFIG CHECKPOINT FOLDER --count 200 --batch-size auto 1 --out results.jsonl
"""

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import torch

from benchmarks.backbones import append_row, environment
from swin_dense.costs.measurement import ResidentPeak
from swin_dense.engine.settings import load_config
from swin_dense.inference.sources import find_sources
from swin_dense.inference.worker import Item, Settings, Worker

Predict = Callable[[str], None]  # writes predictions to a folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('images', help='folder')
    parser.add_argument('--count', type=int, default=200, help='of images; the first ones')
    parser.add_argument('--batch-size', nargs='+', default=['auto'], help='of ours, a row each; theirs always takes 1')
    parser.add_argument('--rounds', type=int, default=5, help='timed turns, after one that is not')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--no-overlays', action='store_true', help='neither draws; both write results alone')
    parser.add_argument('--out', type=Path, help='append a JSON line for each row to this file')
    parser.add_argument('--memory-of', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.clock = 'wall'
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter('ignore')  # of mmdet and mmseg
    with tempfile.TemporaryDirectory() as folder:
        images = [each.path for each in find_sources([arguments.images]).sources[: arguments.count]]
        if arguments.memory_of:
            print(measured_memory(arguments, images, folder))
            return
        for row in compare(arguments, images, folder):
            report(row, arguments.out)


def compare(arguments: argparse.Namespace, images: list[str], folder: str) -> list[dict]:
    names = [*arguments.batch_size, 'peer']
    runs = {name: runner(name, arguments, images) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(arguments.rounds + 1):
        for name, predict in runs.items():
            with tempfile.TemporaryDirectory(dir=folder) as out:
                start = time.perf_counter()
                predict(out)
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    rows = []
    for name in arguments.batch_size:
        ratios = [theirs / mine for theirs, mine in zip(seconds['peer'], seconds[name], strict=True)]
        rows.append(
            {
                'benchmark': 'inference', 'config': arguments.config, 'images': len(images), 'batch_size': name,
                'overlays': not arguments.no_overlays,
                'peer': 'DetInferencer' if is_detector(arguments.config) else 'MMSegInferencer',
                'ratio_median': round(statistics.median(ratios), 3),
                'ratio_min': round(min(ratios), 3), 'ratio_max': round(max(ratios), 3), 'rounds': arguments.rounds,
                'ours_images_per_s': round(len(images) / statistics.median(seconds[name]), 2),
                'peer_images_per_s': round(len(images) / statistics.median(seconds['peer']), 2),
                'ours_peak_mb': memory(name, arguments), 'peer_peak_mb': memory('peer', arguments),
                **environment(arguments),
            }
        )  # fmt: skip
    return rows


def is_detector(config: str) -> bool:
    return load_config(config).default_scope == 'mmdet'


def runner(name: str, arguments: argparse.Namespace, images: list[str]) -> Predict:
    return peer(arguments, images) if name == 'peer' else ours(name, arguments, images)


def ours(batch_size: str, arguments: argparse.Namespace, images: list[str]) -> Predict:
    """As `tools/predict.py` without what it does before and after all images; what all save is saved."""
    cv2.setNumThreads(1)
    sources = find_sources(images).sources
    settings = Settings(
        out='',
        predictor={'config': arguments.config, 'checkpoint': arguments.checkpoint, 'device': arguments.device},
        save=(*(() if arguments.no_overlays else ('overlays',)), 'coco' if is_detector(arguments.config) else 'masks'),
        batch_size=batch_size if batch_size == 'auto' else int(batch_size),
    )
    worker = Worker(settings, 'benchmark')

    def predict(out: str) -> None:
        worker.move_to(out)
        failed = [outcome for outcome in worker.process(map(Item, sources)) if outcome.reason]
        worker.close()
        assert not failed, failed[0]

    return predict


def peer(arguments: argparse.Namespace, images: list[str]) -> Predict:
    if is_detector(arguments.config):
        from mmdet.apis import DetInferencer as Inferencer

        options: dict = {'no_save_pred': False, 'no_save_vis': arguments.no_overlays}
    else:
        from mmseg.apis import MMSegInferencer as Inferencer

        options = {'img_out_dir': ''} if arguments.no_overlays else {}
    cfg = load_config(arguments.config)
    cfg.visualizer = {'type': f'{"Det" if is_detector(arguments.config) else "Seg"}LocalVisualizer'}
    inferencer = Inferencer(cfg, arguments.checkpoint, device=arguments.device, show_progress=False)

    def predict(out: str) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            if options.get('img_out_dir') == '':  # it joins the two, and an empty name is the folder itself
                inferencer(images, pred_out_dir=f'{out}/pred', img_out_dir='')
            else:
                inferencer(images, out_dir=out, **options)

    return predict


def memory(name: str, arguments: argparse.Namespace) -> float:
    """Peak memory over that of the loaded model, in MB, measured in a process of its own."""
    command = [
        sys.executable, __file__, arguments.config, arguments.checkpoint, arguments.images, '--memory-of', name,
        '--count', str(arguments.count), '--device', arguments.device, '--threads', str(arguments.threads),
        *(['--no-overlays'] if arguments.no_overlays else []),
    ]  # fmt: skip
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measured_memory(arguments: argparse.Namespace, images: list[str], folder: str) -> float:
    runner(arguments.memory_of, arguments, images[:2])(f'{folder}/first')  # libraries and threads are loaded now
    predict = runner(arguments.memory_of, arguments, images)
    with ResidentPeak() as peak:
        predict(f'{folder}/second')
    return round(peak.grown / 1e6, 1)


def report(row: dict, out: Path | None) -> None:
    print(
        f'{Path(row["config"]).stem}, batch {row["batch_size"]}, overlays {row["overlays"]}, against {row["peer"]}: '
        f'{row["ratio_median"]:.2f}x ({row["ratio_min"]:.2f} to {row["ratio_max"]:.2f}), {row["ours_images_per_s"]} '
        f'against {row["peer_images_per_s"]} images/s, peak {row["ours_peak_mb"]:.0f} against '
        f'{row["peer_peak_mb"]:.0f} MB',
        flush=True,
    )
    append_row(row, out)


if __name__ == '__main__':
    main()
