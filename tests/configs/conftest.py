import pytest

from swin_dense.datasets.demo import DemoRecipe, make_demo_data


@pytest.fixture(scope='session')
def demo(tmp_path_factory):
    """A folder that SWIN_DENSE_DEMO may name, with a few images."""
    folder = tmp_path_factory.mktemp('demo')
    make_demo_data(folder / 'data', DemoRecipe(num_train=4, num_val=2))
    return folder
