"""Runs without training: scripts that leave what train.py and test.py leave, in hundredths of a second.

A config says how its run behaves: `fails = 'training'` or `'test'`, `seconds` of an
iteration, `is_stubborn = True` goes on when asked to stop, `waits_for` is a file without which no iteration begins.
"""

import json
from pathlib import Path

import numpy as np
import torch

from swin_dense.comparison.plan import make_plan
from swin_dense.comparison.run_commands import RunOptions
from swin_dense.engine.fingerprints import recipe_fingerprint
from swin_dense.evaluation.confusion import ConfusionData, save_confusion_data

ITERATIONS = 5

_COMMON = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path

tools = Path(__file__).resolve().parent
words = sys.argv[1:]
config = words[0]
behaviour = {}
exec(Path(config).read_text(), behaviour)

def after(name):
    return words[words.index(name) + 1]

def note(folder, what, **more):
    line = {'what': what, 'pid': os.getpid(), 'time': time.time(), **more}
    with open(folder / 'notes.jsonl', 'a') as file:
        file.write(json.dumps(line) + '\\n')

VARIABLES = ('CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'MASTER_PORT')
ENVIRONMENT = {name: os.environ.get(name) for name in VARIABLES}
"""
_TRAIN = """
folder = Path(after('--work-dir'))
seed = int(after('--seed'))
assert '--resume' in words
stopped = []
if not behaviour.get('is_stubborn'):
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
note(folder, 'train begins', environment=ENVIRONMENT, words=words)
done = max([int(path.stem[5:]) for path in folder.glob('iter_*.pth')], default=0)
for step in range(done + 1, ITERATIONS + 1):
    time.sleep(behaviour.get('seconds', 0.01))
    while 'waits_for' in behaviour and not Path(behaviour['waits_for']).exists():
        time.sleep(0.02)
    if behaviour.get('fails') == 'training' and step == 3 and not (tools / 'mended').exists():
        print('a line before')
        sys.exit('ValueError: the loss is a pumpkin')
    with open(folder / 'metrics.jsonl', 'a') as file:
        file.write(json.dumps({'mode': 'train', 'step': step, 'loss': seed + 1 / step, 'time': 0.5}) + '\\n')
    shutil.copy(tools / f'iter_{step}.pth', folder / 'new')
    os.replace(folder / 'new', folder / f'iter_{step}.pth')
    note(folder, 'step')
    if stopped:
        note(folder, 'stopped')
        sys.exit(130)
note(folder, 'train ends')
"""
_TEST = """
folder = Path(words[1])
note(folder, 'test begins')
if behaviour.get('fails') == 'test' and not (tools / 'mended').exists():
    os._exit(7)
seed = int(folder.name.split('_')[1])
per_image = Path(after('--per-image'))
per_image.mkdir(exist_ok=True)
shutil.copy(tools / 'confusion.npz', per_image / 'confusion.npz')
results = {
    'config': config,
    'seed': seed,
    'metrics': {'mIoU': 50.0 + seed, 'time': random.random()},
    'protocol': {'classes': ['cat', 'dog'], 'data_fingerprint': 'test'},
    'trained_data_fingerprint': 'train',
    'trained_processes': 1,
    'seconds': 1.0,
    **json.loads((tools / 'told.json').read_text())[config],
}
Path(after('--out')).with_suffix('.new').write_text(json.dumps(results))
os.replace(Path(after('--out')).with_suffix('.new'), after('--out'))
note(folder, 'test ends')
"""

CONFIG = """
model = dict(type='EncoderDecoder', backbone=dict(type='{name}'), decode_head=dict(type='FCNHead', num_classes=2))
train_cfg = dict(max_iters=5)
"""


def write_configs(folder: Path, names, more='') -> list[str]:
    """Config files of segmentation models that differ in their backbone."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'{name}.py' for name in names]
    for path in paths:
        path.write_text(CONFIG.format(name=path.stem) + more)
    return [str(path) for path in paths]


def write_tools(folder: Path, models) -> RunOptions:
    """The two scripts, and what they need to leave results that fit the planned `models`."""
    folder.mkdir(parents=True, exist_ok=True)
    common = _COMMON.replace('VARIABLES =', f'ITERATIONS = {ITERATIONS}\nVARIABLES =', 1)
    (folder / 'train.py').write_text(common + _TRAIN)
    (folder / 'test.py').write_text(common + _TEST)
    for step in range(1, ITERATIONS + 1):
        torch.save({'meta': {'iter': step}, 'state_dict': {}}, folder / f'iter_{step}.pth')
    told = {
        model.config: {
            'recipe_fingerprint': model.tested,
            'trained_recipe_fingerprint': recipe_fingerprint(model.values),
        }
        for model in models
    }
    (folder / 'told.json').write_text(json.dumps(told))
    save_confusion_data(confusion(), folder / 'confusion.npz')
    return RunOptions(tools=folder)


def confusion() -> ConfusionData:
    """Two images of two classes: IoU 3/5 and 5/7."""
    return ConfusionData(
        image_names=np.array(['a', 'b']),
        num_classes=2,
        images=np.array([0, 0, 1, 1], dtype=np.int32),
        truths=np.array([0, 0, 1, 0], dtype=np.int32),
        predictions=np.array([0, 1, 1, 0], dtype=np.int32),
        pixels=np.array([2, 2, 5, 1]),
    )


def fake_plan(folder: Path, names=('a', 'b'), seeds=(0, 1), *, more='', **options):
    """A plan and options that make its runs by the fake scripts."""
    plan = make_plan(write_configs(folder / 'configs', names, more), seeds, folder / 'out', **options)
    return plan, write_tools(folder / 'tools', plan.models)


def notes(folder: Path) -> list[dict]:
    """What the scripts noted in a run's folder."""
    return [json.loads(line) for line in (folder / 'notes.jsonl').read_text().splitlines()]
