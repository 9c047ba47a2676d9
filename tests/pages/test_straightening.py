"""The page on straightening: ready comparisons, and what is offered to whom."""

from tests.pages.app import alts, link, said
from tests.pages.test_pages import quick


def test_a_button_compares_penalties_and_the_picture_says_what_they_cost():
    at = quick("straightening", "toy")
    button = next(button for button in at.button if button.label == "Penalties β")
    button.click().run()
    assert not at.exception
    assert not at.warning, said(at)
    assert link(at)["flows"] == "learned(beta=0.1),learned(beta=0.3),learned,learned(beta=3),learned(beta=10)"
    (cost,) = [alt for alt in alts(at) if "mismatch" in alt]
    assert "Learned pairing (β = 1): straightness" in cost
    assert len([box for box in at.number_input if box.label == "Penalty β"]) == 5


def test_no_sampler_that_draws_noise_is_offered():
    at = quick("straightening", "images")
    offered = next(box for box in at.selectbox if box.label == "Solver").options
    assert "Euler" in offered
    assert not any("Maruyama" in title or "SDE" in title for title in offered)
    data = at.selectbox(key="ui.images.name").options
    assert len(data) < 3, "larger images need larger networks than one trains while one waits"
