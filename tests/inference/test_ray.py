"""Ray's actors write what one process writes. Needs the extra `ray`."""

import json
from pathlib import Path

import pytest
from PIL import Image

from swin_dense.inference.command import Run, predict_files
from swin_dense.inference.worker import Settings
from tests.inference.models import demo_config, scene, write_checkpoint

pytest.importorskip('ray')
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore')]  # of mmdet, mmseg, ray and torch


def test_actors_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path / 'a.pth', demo_config('segmentation'))
    (tmp_path / 'images').mkdir()
    for number in range(6):
        Image.fromarray(scene(40, 48, seed=number)).save(tmp_path / 'images' / f'{number}.png')
    (tmp_path / 'images' / '6.png').write_bytes(b'broken')
    monkeypatch.chdir(tmp_path)
    predictor = {'config': None, 'checkpoint': 'a.pth', 'device': 'cpu'}
    for out, ray in (('alone', None), ('actors', '')):
        assert predict_files(Run(['images'], Settings(out, predictor), ray=ray, ray_workers=2)) == 2
    names = sorted(str(path.relative_to('alone')) for path in Path('alone').rglob('*') if path.is_file())
    assert names == sorted(str(path.relative_to('actors')) for path in Path('actors').rglob('*') if path.is_file())
    assert len(names) == 6 * 3 + 4
    for name in names:
        if not name.endswith(('.json', '.jpg')):
            assert (tmp_path / 'alone' / name).read_bytes() == (tmp_path / 'actors' / name).read_bytes(), name
    summaries = [json.loads((tmp_path / out / 'summary.json').read_text()) for out in ('alone', 'actors')]
    assert summaries[0]['images'] == summaries[1]['images'] == 6
    assert summaries[0]['pixels'] == summaries[1]['pixels']
