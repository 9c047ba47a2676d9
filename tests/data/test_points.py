"""A user's own points: what can be read is read as written, and everything else gets one sentence."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data import PointSet, mixture_from_points, read_points
from core.data import points as module
from core.data.points import MAX_POINTS

TWO = np.array([[1.0, 2.0], [3.0, 4.5]])


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4.5",
        "1, 2\n3, 4.5\n",
        "x,y\n1,2\n3,4.5",
        "x;y\r\n1;2\r\n3;4.5\r\n",
        "1\t2\n3\t4.5",
        "1 2\n3  4.5",
        "  1   2  \n3 4.5",
        "\n\n1,2\n\n3,4.5\n\n",
        "\ufeff1,2\n3,4.5",
        "\ufeffx,y\n1,2\n3,4.5",
        '"1","2"\n"3","4.5"',
        '"width (cm)","height, roughly"\n1,2\n3,4.5',
        "1e0,+2\n3.,0.45e1",
    ],
)
def test_two_points_are_read_however_they_are_written(text: str, tmp_path: Path):
    file = tmp_path / "points.csv"
    file.write_bytes(text.encode())
    for source in (text, text.encode(), file):
        read = read_points(source)
        np.testing.assert_array_equal(read.points, TWO)
        assert read.points.dtype == np.float64
        assert read.note == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "empty"),
        (b"", "empty"),
        ("\n \n\t\n", "empty"),
        ("\ufeff", "empty"),
        ("x,y", "a header line but no points"),
        ("x,y\n", "a header line but no points"),
        ("1,2", "holds one point; .* at least 2"),
        ("x,y\n1,2", "holds one point"),
        ("1,2\n1,2\n1,2", "all points in the file are equal"),
        ("1,2\n3,four", "line 2 holds 'four'"),
        ("x,y\n1,2\n\n3,", "line 4 holds ''"),
        ("1,2\n3,nan", "line 2 holds 'nan'"),
        ("1,2\n-inf,3", "line 2 holds '-inf'"),
        ("1,2\n1e13,3", "line 2 holds '1e13'.*1e[+]12"),
        ("1,2,3\n4,5,6", "line 1 has 3 columns; every line needs exactly 2"),
        ("x,y,z\n1,2,3\n4,5,6", "line 2 has 3 columns"),
        ("1\n2\n3", "line 1 has 1 column;"),
        ("1,2\n3,4,5\n6,7", "line 2 has 3 columns"),
        ("a,b\nc,d\n1,2\n3,4", "line 2 holds 'c'"),
        ("1,2;3,4;5,6\n1,2;3,4;5,6", "line 1 has 3 columns"),
        ("1,234.5;2\n3;4", "line 1 holds '1,234.5'"),
        ("1_0,2\n3,4", "line 1 holds '1_0'"),
        ("1" * 10_001, "line 1 has more than 10,000 characters"),
        ("1,2\n" + "," * 20_000_000, "line 2 has more than 10,000 characters"),
        (b"\n" * 2_000_001, "more than 2,000,000 lines"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "not text"),
        ("1,2\n3,4".encode("utf-16"), "not text"),
        (Path("no/such/file.csv"), "there is no file 'no/such/file.csv'"),
        (Path("tests"), "there is no file"),
    ],
)
def test_what_cannot_be_used_gets_one_sentence(source: object, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        read_points(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("as_file", [True, False])
def test_too_large_a_file_is_refused_without_being_read(as_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if as_file:
        source = tmp_path / "large.csv"
        with source.open("wb") as stream:
            stream.truncate(300_000_000)  # sparse: takes no room
        monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("300 MB were read"))
    else:
        source = b"1,2\n" * 16_000_001
    started = time.perf_counter()
    with pytest.raises(ValueError, match=r"the file has (300|64) MB; at most 64 MB can be read"):
        read_points(source)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("text", "commas"),
    [
        ("1,0;2,0\n3,0;4,5", True),
        ("x;y, in cm\r\n1;2\r\n3;4,5\r\n", True),
        ("1\t2\n3,0\t4,5", True),
        ("1,0 2,0\n3 4,5", True),
        ("width, cm;height, cm\n1;2\n3;4.5", False),
        ("1\t,\t2\n3\t,\t4.5", False),
    ],
)
def test_a_comma_is_a_decimal_point_where_another_mark_separates_and_the_note_says_so(text: str, commas: bool):
    read = read_points(text)
    np.testing.assert_array_equal(read.points, TWO)
    assert read.note == ("commas were read as decimal points" if commas else "")


def test_both_notes_are_given():
    read = read_points("\n".join(f"{i},5;{i * i}" for i in range(MAX_POINTS + 1)))
    assert read.note.startswith("commas were read as decimal points; 2,001 points were thinned")
    np.testing.assert_array_equal(read.points[:, 1], (read.points[:, 0] - 0.5) ** 2)


def test_a_million_points_are_thinned_evenly_and_always_alike():
    text = "\n".join(f"{x}.{0:015d},{x % 7}.{0:015d}" for x in range(1_000_000))  # as many digits as a float64 has
    read = read_points(text)
    assert read.points.shape == (MAX_POINTS, 2)
    assert "1,000,000 points were thinned at random to 2,000" in read.note
    # each is one of the given points, none twice, and their mean is that of the uniform law within 4 standard errors
    assert len(np.unique(read.points[:, 0])) == MAX_POINTS
    np.testing.assert_array_equal(read.points[:, 1], read.points[:, 0] % 7)
    assert abs(read.points[:, 0].mean() - 5e5) < 4 * 1e6 / np.sqrt(12 * MAX_POINTS)
    np.testing.assert_array_equal(read_points(text[:500_000]).points, read_points(text[:500_000]).points)


def test_as_many_points_as_a_picture_can_use_are_kept_as_they_are():
    text = "\n".join(f"{i},{i * i}" for i in range(MAX_POINTS))
    read = read_points(text)
    assert len(read.points) == MAX_POINTS
    assert read.note == ""


def read_or_say(source: str | bytes) -> tuple[PointSet | None, str]:
    try:
        return read_points(source), ""
    except ValueError as problem:
        return None, str(problem)


cells = st.one_of(st.floats(), st.text(max_size=4), st.integers()).map(str)
tables = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=6)


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.builds(lambda rows, mark: "\n".join(mark.join(row) for row in rows), tables, st.sampled_from(",;\t ")),
    )
)
@example('"1,2\n3,4')
@example("1,2\x00\n3,4")
@example("1,2\u20283,4")
@example('1,"2\r"\n3,4')
@example('1,"2\0"\n3,4')
@example('1,"' + "2" * 200_000)
@example("1," + "2" * 200_000 + "\n3,4")
def test_nothing_but_clean_points_or_one_sentence_ever_comes_back(source: object):
    read, sentence = read_or_say(source)
    if read is None:
        assert sentence
        assert "\n" not in sentence
    else:
        assert read.points.shape[1:] == (2,)
        assert 2 <= len(read.points) <= MAX_POINTS
        assert np.isfinite(read.points).all()
        mixture_from_points(read.points, 0.1)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12)), min_size=2, max_size=20),
    st.sampled_from(",;\t "),
    st.booleans(),
)
def test_written_points_are_read_back_exactly(points: list, mark: str, header: bool):
    text = "\n".join(([f"x{mark}y"] if header else []) + [f"{x!r}{mark}{y!r}" for x, y in points])
    if len(set(points)) == 1:
        with pytest.raises(ValueError, match="all points"):
            read_points(text)
    else:
        np.testing.assert_array_equal(read_points(text).points, points)


def test_the_mixture_stands_on_the_points_centred_and_of_unit_mean_variance():
    points = np.array([[10.0, 5.0], [14.0, 6.0], [12.0, 9.0], [40.0, 1.0]])
    mixture = mixture_from_points(points, 0.2)
    torch.testing.assert_close(mixture.mean(), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)
    assert float(mixture.covariance().diagonal().mean()) == pytest.approx(1.0)
    # the shape stays: one factor for both axes
    ratio = torch.from_numpy(points - points.mean(0)) / mixture.means
    torch.testing.assert_close(ratio, ratio[0, 0].expand(4, 2))
    twice = mixture_from_points(points, 0.2, scale=2.0)
    torch.testing.assert_close(twice.means, 2 * mixture.means)
    torch.testing.assert_close(twice.covariances, 4 * mixture.covariances)
    as_given = mixture_from_points(points, 0.2, standardise=False)
    torch.testing.assert_close(as_given.means, torch.from_numpy(points))


@pytest.mark.parametrize(
    ("points", "bandwidth", "scale", "words"),
    [
        (np.zeros((3, 3)), 0.1, 1.0, r"got shape \(3, 3\)"),
        (np.zeros(4), 0.1, 1.0, "pairs of finite numbers"),
        (np.zeros((0, 2)), 0.1, 1.0, "1 to 2000 pairs"),
        (np.zeros((MAX_POINTS + 1, 2)), 0.1, 1.0, "1 to 2000 pairs"),
        (np.array([[0.0, np.nan]]), 0.1, 1.0, "finite"),
        (TWO, 0.0, 1.0, "bandwidth must lie between"),
        (TWO, 0.1, 9.0, "scale must lie between"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(points: np.ndarray, bandwidth: float, scale: float, words: str):
    with pytest.raises(ValueError, match=words):
        mixture_from_points(points, bandwidth, scale)


def test_the_size_limit_is_what_the_message_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_BYTES", 2_000_000)
    with pytest.raises(ValueError, match="at most 2 MB"):
        read_points(b" " * 2_000_001)
