# `make demo`: install, make data, train and test a detector and a segmentor, print a table. `make demo-videos`,
# `make demo-classes`: the same for a recogniser of videos, and for a classifier. `make test`, `make lint`.
# All of it happens in .venv, with nothing but Python 3.11, pip and make; the package itself runs on Python >= 3.10.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

# where the demo lives; its configs read the same variable
export SWIN_DENSE_DEMO ?= demo
# of what the demo and the tests do, little gets faster with more threads
export OMP_NUM_THREADS ?= 2
# threads that wait do not spin: data workers share the cores
export OMP_WAIT_POLICY ?= PASSIVE

# each has a GiB or two; tests of a file stay in one process
TEST_PROCESSES ?= 2

.PHONY: install demo demo-videos demo-classes test lint clean

install: $(INSTALLED)

# torch first and with what its build needs (CUDA libraries where it has them); the rest is a complete list
$(INSTALLED): requirements.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "requirements.txt is for Python 3.11; found " + sys.version.split()[0] + ". Name another: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --progress-bar off --constraint requirements.txt torch
	$(PIP) install --progress-bar off --no-deps --requirement requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

demo: $(INSTALLED)
	$(BIN)/python tools/make_demo_data.py $(SWIN_DENSE_DEMO)/data
	$(BIN)/python tools/train.py configs/demo/upernet_swin_demo.py --work-dir $(SWIN_DENSE_DEMO)/segmentation --resume
	$(BIN)/python tools/test.py configs/demo/upernet_swin_demo.py $(SWIN_DENSE_DEMO)/segmentation --out $(SWIN_DENSE_DEMO)/segmentation/results.json
	$(BIN)/python tools/train.py configs/demo/mask_rcnn_swin_demo.py --work-dir $(SWIN_DENSE_DEMO)/detection --resume
	$(BIN)/python tools/test.py configs/demo/mask_rcnn_swin_demo.py $(SWIN_DENSE_DEMO)/detection --out $(SWIN_DENSE_DEMO)/detection/results.json
	@echo
	@$(BIN)/python tools/summarize.py $(SWIN_DENSE_DEMO)/detection/results.json $(SWIN_DENSE_DEMO)/segmentation/results.json
	@echo
	@echo 'data: $(SWIN_DENSE_DEMO)/data   checkpoints, logs: $(SWIN_DENSE_DEMO)/detection, $(SWIN_DENSE_DEMO)/segmentation'
	@echo 'predict any images: $(BIN)/python tools/predict.py $(SWIN_DENSE_DEMO)/detection IMAGES... --out DIR'
	@echo 'pictures: $(SWIN_DENSE_DEMO)/detection/test/overlays, $(SWIN_DENSE_DEMO)/segmentation/test/overlays'

# videos whose class is the motion: minutes on two cores
demo-videos: $(INSTALLED)
	$(BIN)/python tools/make_demo_data.py $(SWIN_DENSE_DEMO)/clips --clips
	$(BIN)/python tools/train.py configs/demo/recogniser_video_swin_demo.py --work-dir $(SWIN_DENSE_DEMO)/recogniser --resume
	$(BIN)/python tools/test.py configs/demo/recogniser_video_swin_demo.py $(SWIN_DENSE_DEMO)/recogniser --out $(SWIN_DENSE_DEMO)/recogniser/results.json
	$(BIN)/python tools/predict.py $(SWIN_DENSE_DEMO)/recogniser $(SWIN_DENSE_DEMO)/clips/actions/videos/val/00000*.mp4 --out $(SWIN_DENSE_DEMO)/actions --resume
	@echo 'labelled previews: $(SWIN_DENSE_DEMO)/actions/overlays'

# a classifier of the things that the demo detector finds, which it can start from: minutes on two cores
demo-classes: $(INSTALLED)
	$(BIN)/python tools/make_demo_data.py $(SWIN_DENSE_DEMO)/classes --classes
	$(BIN)/python tools/train.py configs/demo/classifier_swin_demo.py --work-dir $(SWIN_DENSE_DEMO)/classifier --resume
	$(BIN)/python tools/test.py configs/demo/classifier_swin_demo.py $(SWIN_DENSE_DEMO)/classifier --out $(SWIN_DENSE_DEMO)/classifier/results.json
	$(BIN)/python tools/predict.py $(SWIN_DENSE_DEMO)/classifier $(SWIN_DENSE_DEMO)/classes/objects/val/star --out $(SWIN_DENSE_DEMO)/named --resume
	@echo 'labelled pictures: $(SWIN_DENSE_DEMO)/named/overlays'

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(SWIN_DENSE_DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
