"""Packaging. Ranges for use as a library are here; the tested, pinned set is in requirements.txt."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = {}
exec((ROOT / 'swin_dense' / 'version.py').read_text(), VERSION)

setup(
    name='swin_dense',
    version=VERSION['__version__'],
    description='Swin backbones for detection and segmentation on the OpenMMLab stack, without compiling',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['swin_dense', 'swin_dense.*']),
    package_data={
        'swin_dense': ['py.typed'],
        'swin_dense.checkpoints': ['zoo.yaml'],
        'swin_dense.comparison': ['published.yaml', 'published_classes.yaml'],
        'swin_dense.comparison.html': ['*.css', '*.js'],
    },
    install_requires=[
        'torch>=2.4',
        'numpy',
        'scipy',
        'pyyaml',
        'filelock',
        'onedl-mmengine>=0.10.10',
        'onedl-mmcv>=2.3',
        'onedl-mmdetection>=3.5',
        'onedl-mmsegmentation>=1.4',
        'opencv-python-headless<4.13',
        'pycocotools',
        'faster-coco-eval>=1.6',
        'safetensors',
        'pillow>=10.1',
        'rich',
        'matplotlib',
        'plotly>=6',
        'tensorboard',
        'tqdm',
    ],
    extras_require={
        'export': ['onnx>=1.16', 'onnxruntime>=1.18'],
        'video': ['av>=12'],
        'ray': ['ray[data]>=2.40'],
        'dev': ['pytest>=8', 'pytest-xdist', 'websocket-client>=1.7', 'ruff==0.17.5', 'mypy>=1.10'],
    },
)
