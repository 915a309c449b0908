"""Overlays, pixel by pixel: positions by whole-number arithmetic of each scale, colours by the formula of a blend."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from swin_dense.datasets.palettes import distinct_palette, instance_shade
from swin_dense.inference import legends, overlays, texts
from swin_dense.inference.overlays import draw_detections, draw_segmentation
from swin_dense.inference.results import CroppedMask, Detections, Segmentation

GREY, RED, BLUE = (90, 100, 110), (255, 0, 0), (0, 0, 255)
PALETTE = np.array([BLUE, (0, 200, 0), (250, 200, 0), (200, 0, 200)], np.uint8)
NAMES = ('cat', 'traffic light', 'Жук', 'γάτα')
# (height, width) of an image, of its picture: enlarged 15 and 8 times, as it is, reduced to 1/2 and 2/3
SCALES = [
    ((33, 50), (495, 750)),
    ((91, 60), (728, 480)),
    ((719, 700), (1438, 1400)),
    ((720, 501), (720, 501)),
    ((600, 3000), (600, 3000)),
    ((600, 6000), (300, 3000)),
    ((4500, 600), (3000, 400)),
]


def flat(size, colour=GREY):
    return np.full((*size, 3), colour, np.uint8)


def detections(size, boxes, *, labels=None, scores=None, masks=None):
    count = len(boxes)
    return Detections(
        size=size,
        boxes_xyxy=np.array(boxes, np.float32).reshape(count, 4),
        scores=np.array(np.linspace(0.9, 0.5, count) if scores is None else scores, np.float32),
        labels=np.array([0] * count if labels is None else labels, np.int64),
        masks=masks,
    )


def draw(image, found, *, score_thr=0.3, classes=NAMES, palette=PALETTE):
    return draw_detections(image, found, classes=classes, palette=palette, score_thr=score_thr)


def sources(side, shown):
    """The pixel of the image in which the middle of each pixel of the picture lies."""
    return np.array([int((pixel + 0.5) * side / shown) for pixel in range(shown)])


def enlarged_or_reduced(values, shown):
    return values[np.ix_(sources(values.shape[0], shown[0]), sources(values.shape[1], shown[1]))]


def random_image(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def plate_of(image, found, **options):
    """(top, left, bottom, right) and pixels of what is drawn above the only box of a flat image."""
    picture = draw(image, found, **options)
    above = (picture != GREY).any(axis=2)[: int(found.boxes_xyxy[0, 1])]
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    place = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    return place, picture[place[0] : place[2], place[1] : place[3]]


def has_a_clear_rim(plate, colour):
    """No ink touches the border: nothing is cut off."""
    return all((side == colour).all() for side in (plate[0], plate[-1], plate[:, 0], plate[:, -1]))


# Images become pictures.


@pytest.mark.parametrize(('size', 'shown'), SCALES)
def test_without_detections_the_picture_is_the_image_at_its_scale(size, shown):
    picture = draw(flat(size), detections(size, []))
    np.testing.assert_array_equal(picture, flat(shown))
    assert picture.dtype == np.uint8


def test_an_image_of_readable_size_stays_as_it_is_and_a_larger_one_is_averaged():
    image = random_image((721, 640))
    np.testing.assert_array_equal(draw(image, detections((721, 640), [])), image)
    image = random_image((30, 6000))
    means = image.reshape(15, 2, 3000, 2, 3).mean(axis=(1, 3))
    assert np.abs(draw(image, detections((30, 6000), [])) - means).max() <= 0.5


def test_an_enlarged_red_square_stays_red_and_in_place():
    image = flat((40, 60))
    image[10:20, 30:45] = RED
    picture = draw(image, detections((40, 60), [])).astype(int)
    assert picture.shape == (480, 720, 3)
    reddish = (picture[..., 0] > 172) & (picture[..., 2] < 55)  # more than half of the way from grey
    expected = np.zeros((480, 720), bool)
    expected[120:240, 360:540] = True
    corners = np.zeros_like(expected)  # which a cubic rounds off
    corners[
        [[y + dy] for y in (120, 240) for dy in range(-6, 6)], [x + dx for x in (360, 540) for dx in range(-6, 6)]
    ] = 1
    np.testing.assert_array_equal(reddish[~corners], expected[~corners])
    assert (picture[150:210, 400:500] == RED).all()


def test_the_image_is_never_written_to():
    image = random_image((800, 801))
    mask = CroppedMask(top=300, left=300, pixels=np.ones((50, 60), bool))
    found = detections((800, 801), [(100, 200, 300, 400)], masks=(mask,))
    labels = (np.arange(800 * 801) % 3).astype(np.uint8).reshape(800, 801)
    before = image.copy()
    for array in (image, mask.pixels, labels, found.boxes_xyxy, found.scores, found.labels):
        array.flags.writeable = False
    assert draw(image, found).flags.writeable
    draw_segmentation(image, Segmentation(labels), classes=NAMES, palette=PALETTE)
    np.testing.assert_array_equal(image, before)
    mirrored = draw(image[:, ::-1], detections((800, 801), []))
    np.testing.assert_array_equal(mirrored, before[:, ::-1])


# Boxes and masks.


@pytest.mark.parametrize(('size', 'shown'), SCALES)
def test_a_box_is_where_the_image_has_it(size, shown):
    (height, width), (shown_height, shown_width) = size, shown
    box = (width // 5 + 0.6875, height // 2 + 0.3125, width * 4 // 5 + 0.6875, height * 4 // 5)
    picture = draw(flat(size), detections(size, [box]))
    assert picture.shape[:2] == shown
    left, right = (int(x * shown_width / width + 0.5) for x in box[::2])
    top, bottom = (int(y * shown_height / height + 0.5) for y in box[1::2])
    line = max(2, round(max(shown) / 600))
    expected = flat(shown)
    expected[top:bottom, left:right] = BLUE
    expected[top + line : bottom - line, left + line : right - line] = GREY
    np.testing.assert_array_equal(picture[top:], expected[top:])


@pytest.mark.parametrize(('size', 'shown'), SCALES)
def test_a_mask_is_where_the_image_has_it_and_blended_by_its_part(size, shown):
    pixels = np.random.default_rng(0).random((size[0] // 3, size[1] // 4)) > 0.02
    top, left = size[0] // 3, size[1] // 5
    found = detections(size, [(0, 0, 1, 1)], masks=(CroppedMask(top, left, pixels),))
    picture = draw(flat(size), found)
    whole = np.zeros(size, bool)
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    mask = enlarged_or_reduced(whole, shown)
    reach = (max(2, round(max(shown) / 600)) + 1) // 2
    padded, inner = np.pad(mask, reach), np.ones(shown, bool)
    for down in range(2 * reach + 1):
        for along in range(2 * reach + 1):
            inner &= padded[down : down + shown[0], along : along + shown[1]]
    expected = flat(shown)
    expected[mask] = BLUE
    expected[inner] = np.rint(0.55 * np.array(GREY) + 0.45 * np.array(BLUE))
    below_plate = int(top * shown[0] / size[0]) - 2
    assert below_plate > 50
    np.testing.assert_array_equal(picture[below_plate:], expected[below_plate:])


def test_the_better_box_is_drawn_over_the_worse_in_any_order():
    boxes = [(100, 100, 300, 300), (200, 200, 400, 400)]
    for order in ([0, 1], [1, 0]):
        found = detections((720, 720), [boxes[i] for i in order], labels=order, scores=np.array([0.9, 0.8])[order])
        picture = draw(flat((720, 720)), found)
        assert (picture[298:300, 100:300] == PALETTE[0]).all()  # the lower edge of the better crosses the worse
        assert (picture[200:300, 298:300] == PALETTE[0]).all()
        assert (picture[398:400, 200:400] == PALETTE[1]).all()


def test_the_threshold_is_inclusive_and_what_is_below_or_no_number_leaves_no_trace():
    boxes = [(100, 100, 300, 300), (400, 400, 600, 600), (np.nan, 0, 9, 9)]
    found = detections((720, 720), boxes, scores=[0.5, 0.25, 0.6])
    image = flat((720, 720))
    alone = draw(image, detections((720, 720), boxes[:1], scores=[0.5]))
    np.testing.assert_array_equal(draw(image, found, score_thr=0.5), alone)
    np.testing.assert_array_equal(draw(image, found, score_thr=0.61), image)
    assert (draw(image, found, score_thr=0.25) != alone).any()


def test_boxes_beyond_the_image_are_clipped_and_empty_ones_are_one_pixel():
    found = detections((720, 721), [(-50, 600, 2000, np.inf), (400, 300, 400, 300)], labels=[0, 1])
    picture = draw(flat((720, 721)), found)
    assert (picture[600:, :2] == BLUE).all()
    assert (picture[600:, -2:] == BLUE).all()
    assert (picture[-2:] == BLUE).all()
    assert (picture[300, 400] == PALETTE[1]).all()


def test_instances_of_a_class_differ_and_the_best_has_the_colour_of_the_class():
    masks = tuple(CroppedMask(300, 100 * k, np.ones((50, 50), bool)) for k in range(4))
    found = detections((720, 720), [(0, 710, 5, 720)] * 4, labels=[0, 1, 0, 0], masks=masks)
    picture = draw(flat((720, 720)), found)
    seen = [tuple(picture[325, 100 * k + 25].tolist()) for k in range(4)]
    shades = [PALETTE[0], PALETTE[1], instance_shade(PALETTE[0], 1), instance_shade(PALETTE[0], 2)]
    expected = [tuple(np.rint(0.55 * np.array(GREY) + 0.45 * shade).astype(int).tolist()) for shade in shades]
    assert seen == expected
    assert len(set(seen)) == 4


# Names.


@pytest.mark.parametrize(
    ('options', 'names'), [({}, ['cat 0.90', 'dog 0.50']), ({'with_scores': False}, ['cat', 'dog'])]
)
def test_annotations_are_named_without_scores(options, names, monkeypatch):
    written, text = [], overlays.line_of_text
    monkeypatch.setattr(overlays, 'line_of_text', lambda name, *rest: (written.append(name), text(name, *rest))[1])
    found = detections((720, 720), [[10, 100, 200, 300], [300, 100, 500, 300]], labels=[0, 1], scores=[0.9, 0.5])
    overlays.draw_detections(
        flat((720, 720)), found, classes=['cat', 'dog'], palette=PALETTE[:2], score_thr=0.3, **options
    )
    assert written == names


def test_a_name_stands_above_its_box_else_inside_and_moves_left_at_the_right_border():
    image, size = flat((800, 900)), (800, 900)
    (top, left, bottom, right), plate = plate_of(image, detections(size, [(300, 400, 500, 600)]))
    assert (bottom, left) == (400, 300)
    assert has_a_clear_rim(plate, BLUE)
    assert (plate == 255).all(axis=2).any()  # white on blue
    height, width = bottom - top, right - left
    for box, corner in {
        (0, 400, 200, 600): (400 - height, 0),
        (700, 400, 900, 600): (400 - height, 700),
        (890, 400, 900, 600): (400 - height, 900 - width),
        (300, 0, 500, 200): (0, 300),
        (0, 0, 200, 200): (0, 0),
        (880, 0, 900, 200): (0, 900 - width),
        (300, height - 1, 500, 200): (height - 1, 300),
        (0, 790, 20, 800): (790 - height, 0),
        (880, 780, 900, 800): (780 - height, 900 - width),
    }.items():
        picture = draw(image, detections(size, [box]))
        found = picture[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
        np.testing.assert_array_equal(found, plate, err_msg=str(box))


@pytest.mark.parametrize(
    'name',
    ['a name of many words ' * 3, 'a name of many words ' * 4, 'a name of many words ' * 30, 'without_any_space_' * 40],
)
def test_a_long_name_is_set_smaller_then_wrapped_and_never_cut(name):
    size = (900, 500)
    found = detections(size, [(400, 890, 450, 900)])
    (_, left, _, right), plate = plate_of(flat(size), found, classes=(name, *NAMES[1:]))
    assert 0 <= left < right <= 500
    assert has_a_clear_rim(plate, BLUE)
    letters = ''.join(texts._wrapped(f'{name.strip()} 0.90', 10, 480)).replace(' ', '')
    assert letters == f'{name} 0.90'.replace(' ', '')
    # The ink is that of all letters: as much as in one line of the same size.
    ink = plate[..., 0].sum()
    lines = [int(overlays.line_of_text(f'{name} 0.90', size, 10**5).sum()) for size in range(9, 14)]
    assert min(abs(ink / line - 1) for line in lines) < 0.02


def test_names_cover_neither_each_other_nor_small_boxes_where_there_is_room():
    size, boxes = (800, 900), [(300, 300, 500, 500)] * 4 + [(650, 100, 655, 106), (652, 109, 657, 114)]
    labels = [0, 1, 2, 3, 1, 2]
    picture = draw(flat(size), detections(size, boxes, labels=labels))
    for number, label in enumerate(labels):
        score = np.linspace(0.9, 0.5, 6)[number]
        alone = detections(size, [(300, 300, 500, 500)], labels=[label], scores=[score])
        _, plate = plate_of(flat(size), alone)
        left, top = cv2.minMaxLoc(cv2.matchTemplate(picture, plate, cv2.TM_SQDIFF))[2]
        np.testing.assert_array_equal(picture[top:, left:][: plate.shape[0], : plate.shape[1]], plate)
    for (left, top, right, bottom), label in zip(boxes[4:], labels[4:], strict=True):
        shade = instance_shade(PALETTE[label], 1)
        assert (picture[top : top + 2, left:right] == shade).all()
        assert (picture[bottom - 2 : bottom, left:right] == shade).all()


def test_places_of_plates_are_inside_for_any_box():
    random = np.random.default_rng(0)
    for _ in range(300):
        limits = tuple(random.integers(20, 200, 2).tolist())
        plate = tuple(random.integers(1, np.array(limits) + 1).tolist())
        starts = random.integers(0, limits)
        stops = random.integers(starts + 1, np.array(limits) + 1)
        taken = np.concatenate([starts, stops])[None]
        top, left, bottom, right = overlays._place((*starts, *stops), plate, limits, taken)
        assert 0 <= top < bottom <= limits[0]
        assert 0 <= left < right <= limits[1]
        assert (bottom - top, right - left) == plate


def test_letters_of_three_alphabets_are_drawn_and_unknown_ones_do_not_stop_it():
    def ink(text):
        return overlays.line_of_text(text, 20, 10**4)

    unknown = ink('\ue000')
    for letter in 'ÄßñŁőΩλЖщё':
        assert ink(letter).shape != unknown.shape or (ink(letter) != unknown).any(), letter
    np.testing.assert_array_equal(ink('A\u0308hre'), ink('Ähre'))
    np.testing.assert_array_equal(ink('a\tb\n c'), ink('a b c'))
    np.testing.assert_array_equal(ink('\ud800\x00'), ink('\ufffd\ufffd'))
    for text in ('日本語', '😀', '', 'Ấ' * 3, 'שלום', 'j', 'ﷺ'):
        drawn = ink(text)
        assert not drawn[:, [0, -1]].any(), text
        assert not drawn[[0, -1]].any(), text


# Segmentation.


def expected_classes(image, labels):
    """The blend with white lines of 1 pixel on a picture of the image's size, as floats."""
    expected = (image + PALETTE[labels].astype(float)) / 2
    for y, x in np.ndindex(labels.shape):
        if (x + 1 < labels.shape[1] and labels[y, x] != labels[y, x + 1]) or (
            y + 1 < labels.shape[0] and labels[y, x] != labels[y + 1, x]
        ):
            expected[y, x] = 255
    return expected


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ('size', 'shown'), [SCALES[0], SCALES[1], SCALES[3], ((60, 6000), (30, 3000)), ((4500, 9), (3000, 6))]
)
def test_class_colours_are_blended_in_place_beside_the_legend(size, shown, dtype):
    labels = np.random.default_rng(0).integers(0, 4, (3, 3)).astype(dtype)
    labels = labels[np.ix_(np.arange(size[0]) * 3 // size[0], np.arange(size[1]) * 3 // size[1])]
    picture = draw_segmentation(flat(size), Segmentation(labels), classes=NAMES, palette=PALETTE)
    legend_below = shown[1] >= 1.5 * shown[0]
    assert picture.shape[0] > shown[0] if legend_below else picture.shape[1] > shown[1]
    expected = expected_classes(flat(shown), enlarged_or_reduced(labels, shown))
    whole = picture[: shown[0], : shown[1]]
    if max(shown) < 3000:
        assert np.abs(whole - expected).max() <= 0.5
        return
    lines = (expected == 255).all(axis=2)  # wider on a large picture
    wide = lines | np.roll(lines, -1, axis=0) | np.roll(lines, -1, axis=1) | np.roll(lines, (-1, -1), axis=(0, 1))
    assert np.abs(whole - expected)[~wide].max() <= 0.5
    assert (whole[lines] == 255).all()


def test_the_colours_of_an_image_show_through():
    image = random_image((721, 730))
    labels = np.zeros((721, 730), np.uint16)
    labels[:, 400:] = 300
    palette = distinct_palette(301)
    picture = draw_segmentation(image, Segmentation(labels), classes=[str(k) for k in range(301)], palette=palette)
    expected = (image + palette[labels].astype(float)) / 2
    expected[:, 399] = 255
    assert np.abs(picture[:, :730] - expected).max() <= 0.5


@pytest.mark.parametrize('size', [(144, 192), (800, 1333), (700, 500), (3, 900)])
def test_the_legend_names_what_occurs_largest_first_with_its_share(size, monkeypatch):
    count = 9
    labels = np.random.default_rng(1).choice([1, 4, 5, 8], p=[0.1, 0.6, 0.25, 0.05], size=size).astype(np.uint8)
    palette, names = distinct_palette(count), [f'class number {k}' for k in range(count)]
    written, text = [], legends.line_of_text
    monkeypatch.setattr(legends, 'line_of_text', lambda name, *rest: (written.append(name), text(name, *rest))[1])
    picture = draw_segmentation(flat(size), Segmentation(labels), classes=names, palette=palette)
    shares = {k: 100 * float((labels == k).mean()) for k in (4, 5, 1, 8)}
    assert written == [f'{share:.1f} %' for share in shares.values()] + [names[k] for k in shares]
    factor = -(-720 // max(size)) if max(size) < 720 else 1
    field = picture[size[0] * factor :] if size[1] >= 1.5 * size[0] else picture[:, size[1] * factor :]
    places = [np.argwhere((field == palette[k]).all(axis=2)) for k in shares]
    swatch = len(places[0]) ** 0.5
    assert swatch == int(swatch) >= 9
    assert [len(place) for place in places] == [swatch**2] * 4
    order = [tuple(place[0][::-1]) for place in places]  # columns from left to right, each from top to bottom
    assert order == sorted(order)
    assert not any((field == palette[k]).all(axis=2).any() for k in (0, 2, 3, 6, 7))
    assert has_a_clear_rim(field, 255)


@pytest.mark.parametrize('size', [(144, 192), (100, 300), (300, 10), (2, 900)])
@pytest.mark.parametrize('name', ['class', 'a name that is too long for every legend ' * 9])
def test_one_hundred_and_fifty_classes_stand_in_columns_without_touching_the_rim(size, name):
    labels = (np.arange(size[0] * size[1]) % 150).astype(np.uint8).reshape(size)
    palette, names = distinct_palette(150), [f'{name}{k}' if k % 50 == 0 else f'class {k}' for k in range(150)]
    picture = draw_segmentation(flat(size), Segmentation(labels), classes=names, palette=palette)
    factor = -(-720 // max(size)) if max(size) < 720 else 1
    below = size[1] >= 1.5 * size[0]
    field = picture[size[0] * factor :] if below else picture[:, size[1] * factor :]
    assert has_a_clear_rim(field, 255)
    packed = [colours.astype(int) @ (65536, 256, 1) for colours in (field.reshape(-1, 3), palette)]
    areas = set(np.bincount(packed[0], minlength=1 << 24)[packed[1]].tolist())
    assert len(areas) == 1
    assert areas.pop() >= 81
    assert field.shape[1] <= max(max(size) * factor, 12 * max(720, max(size)))


def test_a_share_that_rounds_to_nothing_is_not_called_nothing():
    assert [legends.percent(share) for share in (1, 0.5, 0.0005, 0.0004, 1e-9)] == [
        '100.0 %',
        '50.0 %',
        '0.1 %',
        '<0.1 %',
        '<0.1 %',
    ]


# Any image, any thread, wrong input.


@pytest.mark.parametrize('size', [(1, 1), (1, 5000), (5000, 1), (20, 700), (700, 20), (2, 3)])
def test_images_of_any_form_work(size):
    found = detections(size, [(0, 0, size[1], size[0])], masks=(CroppedMask(0, 0, np.ones(size, bool)),))
    picture = draw(flat(size), found)
    assert picture.shape == draw(flat(size), detections(size, [])).shape
    labels = np.zeros(size, np.uint8)
    for names in (NAMES, ('a long name ' * 40, *NAMES[1:])):
        whole = draw_segmentation(flat(size), Segmentation(labels), classes=names, palette=PALETTE)
        assert (whole[: picture.shape[0], : picture.shape[1]] == (45, 50, 182)).all()


def test_threads_draw_what_one_draws():
    sizes = [(720 + 40 * k, 900 + 111 * k) for k in range(8)]
    jobs = [(random_image(size, k), detections(size, [(50, 60, 300, 400)] * 5)) for k, size in enumerate(sizes)] * 3
    texts.line_of_text.cache_clear(), texts._bounds.cache_clear(), texts._font.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: draw(*job), jobs))
    texts.line_of_text.cache_clear()
    for job, picture in zip(jobs, together, strict=True):
        np.testing.assert_array_equal(picture, draw(*job))


def test_wrong_input_is_refused():
    image, found = flat((30, 40)), detections((30, 40), [(1, 2, 3, 4)], labels=[4])
    with pytest.raises(ValueError, match='class numbers 0 to 4, but 4 names'):
        draw(image, found)
    with pytest.raises(ValueError, match=r'\(30, 40\), its prediction \(40, 30\)'):
        draw(image, detections((40, 30), []))
    with pytest.raises(ValueError, match='float64'):
        draw(image.astype(float), detections((30, 40), []))
    with pytest.raises(ValueError, match=r'\(30, 40\), uint8'):
        draw(image[..., 0], detections((30, 40), []))
    with pytest.raises(ValueError, match='4 classes and 3 colours'):
        draw(image, detections((30, 40), []), palette=PALETTE[:3])
    with pytest.raises(ValueError, match='0 to 255, but 4 names'):
        draw_segmentation(image, Segmentation(np.full((30, 40), 255, np.uint8)), classes=NAMES, palette=PALETTE)
