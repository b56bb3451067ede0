"""Numbers beside points of a plot: none covers another, or a point, however close the points are."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.document import FactorialView, PointView
from pytest_genaiops.report.html import page
from pytest_genaiops.report.html.factors import BOX, FRONT_SIZE, LABELLED, SIZE, Scatter, factors
from pytest_genaiops.report.html.labels import DIGIT, HEIGHT, Box, labels, overlap
from tests.factorials import close_front, matrix_example

DOCUMENT = matrix_example(cases=4)
SUITE = DOCUMENT.suites[0]

spot = st.tuples(st.floats(7, 333), st.floats(7, 203))
close = st.tuples(st.floats(160, 164), st.floats(100, 103))


def scatter(view: FactorialView) -> Scatter:
    found = factors(replace(SUITE, factorial=view))
    assert found is not None
    return found.scatters[0]


def text(number: int, x: float, y: float) -> Box:
    half = len(str(number)) * DIGIT / 2
    return (x - half, y - HEIGHT / 2, x + half, y + HEIGHT / 2)


def around(x: float, y: float, size: float) -> Box:
    return (x - size, y - size, x + size, y + size)


def apart(plot: Scatter) -> bool:
    numbers = [text(dot.number, dot.label.x, dot.label.y) for dot in plot.dots if dot.number and dot.label]
    dots = [around(dot.x, dot.y, FRONT_SIZE if dot.on_front else SIZE) for dot in plot.dots]
    inside = all(a >= 0 and b >= 0 and c <= BOX[0] and d <= BOX[1] for a, b, c, d in numbers)
    return (
        inside
        and not any(overlap(one, other) for one, other in combinations(numbers, 2))
        and not any(overlap(number, dot) for number in numbers for dot in dots)
    )


def test_twelve_of_48_points_with_nearly_equal_values() -> None:
    plot = scatter(close_front(SUITE))
    assert sum(dot.label is not None for dot in plot.dots) == LABELLED == 12
    assert apart(plot)


def test_equal_points_have_a_number_each() -> None:
    view = close_front(SUITE)
    same = [PointView(variant=each.variant, values=view.points[0].values, on_front=True) for each in view.points]
    plot = scatter(replace(view, points=same))
    assert sum(dot.label is not None for dot in plot.dots) == LABELLED
    assert apart(plot)


def test_a_point_by_itself_has_its_number_close_by_and_without_a_line() -> None:
    (found,) = labels([((100.0, 100.0), 6.0)], {0: 7}, BOX).values()
    assert found.leader is None
    assert abs(found.x - 100) + abs(found.y - 100) < 25
    assert (found.x > 100, found.y < 100) == (True, True)


def test_a_number_that_stands_far_off_has_a_line_from_its_point() -> None:
    points = [((170.0, 105.0), 6.0), *(((150.0 + 5 * a, 85.0 + 5 * b), 3.5) for a in range(9) for b in range(9))]
    (found,) = labels(points, {0: 1}, BOX).values()
    assert found.leader is not None
    (start_x, start_y), end = found.leader
    assert (start_x - 170) ** 2 + (start_y - 105) ** 2 <= 6.2**2
    assert found.box[0] <= end[0] <= found.box[2]
    assert found.box[1] <= end[1] <= found.box[3]


def test_where_there_is_no_place_there_is_no_number() -> None:
    full = [((4.0 * a, 4.0 * b), 3.5) for a in range(86) for b in range(53)]
    assert labels(full, {0: 1}, BOX) == {}


@given(points=st.lists(spot | close, min_size=1, max_size=48), data=st.data())
@settings(max_examples=40, deadline=None)
def test_none_covers_another_or_a_point(points: list[tuple[float, float]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(points) - 1), max_size=12, unique=True))
    sized = [(place, FRONT_SIZE if at in chosen else SIZE) for at, place in enumerate(points)]
    numbers = {at: number + 1 for number, at in enumerate(chosen)}
    found = labels(sized, numbers, BOX)
    boxes = [text(numbers[at], label.x, label.y) for at, label in found.items()]
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    assert not any(overlap(box, around(*place, size)) for box in boxes for place, size in sized)


def test_the_page_shows_them() -> None:
    shown = page(replace(DOCUMENT, suites=[replace(SUITE, factorial=close_front(SUITE))]))
    assert shown.count("<text x=") == 12
    assert 'class="leader"' in shown
