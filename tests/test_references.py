"""Citations: every key that a solver names is an entry, and every entry is whole."""

import re

import pytest

from core.references import REFERENCES, bibtex
from core.solvers import SOLVERS


@pytest.mark.parametrize("name", SOLVERS)
def test_what_a_solver_cites_is_known(name):
    info = SOLVERS[name]
    assert bibtex(info.cite).count("\n}") == len(info.cite)
    assert len(set(info.cite)) == len(info.cite)


@pytest.mark.parametrize("key", REFERENCES)
def test_an_entry_is_whole(key):
    entry = bibtex([key])
    assert re.match(r"@(article|inproceedings|book|misc)\{" + key + ",\n", entry)
    assert entry.count("{") == entry.count("}")
    for field in ("title", "author", "year"):
        assert f"\n  {field} = {{" in entry
    reference = REFERENCES[key]
    assert reference.arxiv or reference.doi or reference.url
    assert re.fullmatch(r"(\d{4}\.\d{5})?", reference.arxiv)
    assert all("," in author for author in reference.authors if author != "others")
    assert 1900 <= reference.year < 2030
    assert not key[-4:].isdigit()  # a word says which of the year's works
    year = re.search(r"\d{4}", key)[0]
    assert 0 <= reference.year - int(year) <= 2  # a preprint's year in the key, the publication's in the entry


def test_an_unknown_key_is_named():
    with pytest.raises(ValueError, match="nobody2020"):
        bibtex(["lu2022dpm", "nobody2020"])


def test_several_entries_stand_apart():
    assert bibtex(["lu2022dpm", "ho2020ddpm"]).count("\n\n@") == 1
