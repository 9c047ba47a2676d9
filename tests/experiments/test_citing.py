"""The references of a specification: what it names is cited, what it does not name is not, and nothing is left over."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings

from core.__main__ import main
from core.analysis.distances import DISTANCES
from core.data import IMAGE_DATA
from core.experiments import (
    EXPERIMENTS,
    ConvergenceSpec,
    ImageData,
    SchedulesSpec,
    ToyData,
    TrajectoriesSpec,
)
from core.experiments.citing import ALWAYS, works_of, works_of_entry
from core.experiments.noise_sweep import NoiseSweepSpec
from core.grids import GRIDS
from core.lessons import all_lessons
from core.models.guidance import GUIDANCE
from core.references import REFERENCES, bibtex, in_words, listed
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from core.solvers.finish import CITE
from core.solvers.finish import OPTIONS as FINISH
from core.train.ways import WAYS
from tests.experiments.strategies import specifications

REGISTRIES = {
    "solver": SOLVERS,
    "schedule": SCHEDULES,
    "grid": GRIDS,
    "distance": DISTANCES,
    "guidance": GUIDANCE,
    "flow": WAYS,
    "images": IMAGE_DATA,
}
ENTRIES = [(kind, name) for kind, registry in REGISTRIES.items() for name in registry]


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_method_names_a_work_that_is_known(kind, name):
    works = works_of_entry(REGISTRIES[kind][name])
    assert works
    assert set(works) <= set(REFERENCES)


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_arxiv_number_of_a_source_is_a_work(kind, name):
    numbers = re.findall(r"\d{4}\.\d{5}", getattr(REGISTRIES[kind][name], "source", ""))
    assert set(numbers) <= {REFERENCES[key].arxiv for key in works_of_entry(REGISTRIES[kind][name])}


def test_no_work_is_left_over_or_there_twice():
    named = {key for kind, name in ENTRIES for key in works_of_entry(REGISTRIES[kind][name])}
    named |= {key for info in EXPERIMENTS.values() for key in info.works} | set(ALWAYS)
    named |= {key for works in CITE.values() for key in works}
    named |= {work.key for lesson in all_lessons() for work in lesson.read}
    assert named == set(REFERENCES)
    for numbers in ([work.arxiv for work in REFERENCES.values()], [work.doi for work in REFERENCES.values()]):
        assert all(count == 1 for number, count in Counter(numbers).items() if number)
    assert all(value in FINISH[option].choices for option, value in CITE)


@settings(max_examples=60)
@given(specifications())
def test_any_picture_has_references_each_once(spec):
    works = works_of(spec)
    assert works[: len(ALWAYS)] == ALWAYS
    assert len(set(works)) == len(works)
    assert bibtex(works).count("\n}") == len(works)
    assert len(listed(works).splitlines()) == len(works)


def test_each_choice_adds_its_own_works():
    plain = TrajectoriesSpec(solvers=("euler",), schedule="ve", grid="uniform-t")

    def added(**changes) -> set[str]:
        return set(works_of(TrajectoriesSpec.model_validate(plain.model_dump() | changes))) - set(works_of(plain))

    assert added(solvers=("euler", "sa-solver")) == {"xue2023sa"}
    assert added(solvers=("ddim(thresholding=dynamic)",)) == {"song2020ddim", "saharia2022imagen"}
    assert added(solvers=("ddim(thresholding=static)",)) == {"song2020ddim"}
    assert added(schedule="vdm") == {"kingma2021vdm"}
    assert added(grid="exponential") == {"crowson2022kdiffusion"}
    guided = ToyData(label=0, guidance="classifier-free(scale=3)")
    assert added(data=guided.model_dump()) == set(works_of_entry(GUIDANCE["classifier-free"]))
    digits, network = (ImageData(name=name).model_dump() for name in ("digits", "unet-digits"))
    assert added(data=digits, particles=1) == {"alpaydin1998digits", "pedregosa2011sklearn"}
    assert added(data=network, particles=1) == {"alpaydin1998digits", "dhariwal2021adm"}


def test_a_distance_is_cited_where_it_is_measured():
    energy = works_of(NoiseSweepSpec(distance="energy"))
    sliced = works_of(NoiseSweepSpec(distance="sliced-wasserstein"))
    assert set(energy) - set(sliced) == {"szekely2013energy"}
    assert "bonneel2015sliced" in sliced


def test_the_exact_solution_is_cited_where_there_is_one():
    scipy = "virtanen2020scipy"
    assert scipy in works_of(ConvergenceSpec(solvers=("ddim",)))
    assert scipy not in works_of(SchedulesSpec())


@pytest.mark.parametrize("key", REFERENCES)
def test_a_work_in_words_has_an_address_and_no_tex(key):
    said = in_words(key)
    assert not re.search(r"[{}\\]", said)
    assert re.search(r"\]\(https?://[^ )]+", said)
    assert str(REFERENCES[key].year) in said


def test_the_terminal_prints_them_without_a_run(capsys):
    assert main(["trajectories", "--solvers", "unipc-bh2-2", "--schedule", "edm", "--references"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "@inproceedings{zhao2023unipc," in printed.out
    assert "eprint = {2206.00364}" in printed.out
