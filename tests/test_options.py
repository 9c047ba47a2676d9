"""Options: one form for each value, and words for what is not allowed."""

import math
import re

import pytest

from core.options import Option

NUMBER = Option(1.0, "A number.", low=0.5, high=2.0)
SWITCH = Option(False, "A switch.", (False, True))
COUNT = Option(0, "A count.", (0, 1))
LIST = Option((), "A list.", low=0.0, high=9.0, most=3)


@pytest.mark.parametrize(
    ("option", "given", "kept"),
    [
        (NUMBER, 2, 2.0),
        (NUMBER, 0.5, 0.5),
        (SWITCH, True, True),
        (COUNT, 1.0, 1),
        (LIST, "1, 2;3", (1.0, 2.0, 3.0)),
        (LIST, "[1 2\n3]", (1.0, 2.0, 3.0)),
        (LIST, [1, 2.5], (1.0, 2.5)),
        (LIST, 4, (4.0,)),
        (LIST, "", ()),
    ],
)
def test_a_value_has_one_form(option: Option, given: object, kept: object):
    assert option.check("it", given) == kept
    assert type(option.check("it", given)) is type(kept)


@pytest.mark.parametrize(
    ("option", "given", "words"),
    [
        (NUMBER, 2.1, "it must be a number from 0.5 to 2; got 2.1"),
        (NUMBER, True, "got True"),
        (NUMBER, math.nan, "got nan"),
        (NUMBER, "1", "got '1'"),
        (SWITCH, 1, "it must be one of False, True; got 1"),
        (COUNT, True, "it must be one of 0, 1; got True"),
        (COUNT, 2, "got 2"),
        (LIST, "1 2 3 4", "it takes at most 3 numbers; got 4"),
        (LIST, "1 x", "it must be a list of numbers, such as 1 0.5 0.1; cannot read 'x'"),
        (LIST, [1, 10], "each number in it must be a number from 0 to 9; got 10"),
        (LIST, [1, math.inf], "got inf"),
        (LIST, [True], "got True"),
        (LIST, None, "it must be a list of numbers; got None"),
    ],
)
def test_what_is_refused(option: Option, given: object, words: str):
    with pytest.raises(ValueError, match=re.escape(words)):
        option.check("it", given)
