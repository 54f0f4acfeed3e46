import doctest
import xml.etree.ElementTree as ET

import pytest

from mien.reports import figures, svg
from mien.reports.svg import Plot, log_ticks


def test_examples_are_true() -> None:
    assert doctest.testmod(svg).failed == 0
    assert doctest.testmod(figures).failed == 0


def test_text_stays_text_and_is_escaped() -> None:
    plot = Plot(title="<놀란>", x=(0, 1), y=(0, 1), x_label="a & b", y_label="정확도")
    plot.note(0.5, 0.5, "<script>")
    plot.dots([(0.5, 0.5, 'a "quoted" <word>')], style="dot")
    picture = plot.svg()
    texts = [element.text for element in ET.fromstring(picture).iter() if element.text]
    assert {"<놀란>", "a & b", "정확도", "<script>"} <= set(texts)
    assert "<script>" not in picture


@pytest.mark.parametrize(("value", "place"), [(10, 0.0), (100, 0.5), (1000, 1.0)])
def test_a_log_axis_puts_equal_factors_at_equal_distances(value: float, place: float) -> None:
    plot = Plot(title="", x=(10, 1000), y=(0, 1), x_label="", y_label="", x_scale="log")
    plot.dots([(value, 0, "")], style="dot")
    circle = next(e for e in ET.fromstring(plot.svg()).iter() if e.tag.endswith("circle"))
    left, right = 46, 620 - 22
    assert float(circle.attrib["cx"]) == pytest.approx(left + place * (right - left), abs=0.1)


def test_marks_on_a_log_axis_do_not_touch() -> None:
    assert log_ticks([20, 400, 425, 450, 700]) == [20, 400, 700]
    assert log_ticks([5]) == [5]
    assert log_ticks([1, 3, 10], letters=40) == [1, 10]
