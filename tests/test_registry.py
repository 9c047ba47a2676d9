"""Named tables."""

import pytest

from core.registry import Registry


@pytest.fixture
def fruit() -> Registry[int]:
    registry: Registry[int] = Registry("fruit")
    registry.add("pear", 1)
    registry.add("apple", 2)
    return registry


def test_it_is_a_mapping_in_the_order_of_adding(fruit):
    assert list(fruit) == ["pear", "apple"]
    assert len(fruit) == 2
    assert dict(fruit) == {"pear": 1, "apple": 2}
    assert fruit["apple"] == 2
    assert "pear" in fruit
    assert "plum" not in fruit
    assert [] not in fruit
    assert fruit.add("plum", 3) == 3


def test_an_unknown_name_lists_the_choices_and_the_nearest(fruit):
    with pytest.raises(
        ValueError, match=r"unknown fruit 'aple' \(did you mean 'apple'\?\); choose one of: pear, apple"
    ):
        fruit["aple"]
    with pytest.raises(ValueError, match="unknown fruit 'xyz'; choose one of: pear, apple"):
        fruit["xyz"]


def test_a_long_list_of_choices_is_cut():
    many: Registry[int] = Registry("number")
    for i in range(33):
        many.add(f"n{i}", i)
    with pytest.raises(ValueError, match=r"n28, n29 and 3 more$"):
        many["x"]


@pytest.mark.parametrize("key", [None, 3, [], {}])
def test_a_key_that_is_no_name(fruit, key):
    with pytest.raises(ValueError, match="unknown fruit"):
        fruit[key]


def test_nothing_is_replaced(fruit):
    with pytest.raises(ValueError, match="fruit 'pear' is registered already"):
        fruit.add("pear", 9)
    assert fruit["pear"] == 1
