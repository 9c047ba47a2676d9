"""The page on curvature: its measures, its three dimensions and what stands beside."""

import pytest

from tests.pages.app import alts, data_of, link, opened, said

IMAGES = {"data": "digits", "label": "3", "nodes": "20", "schedules": "flow", "particles": "3"}
TOY = {"nodes": "20", "schedules": "flow", "particles": "4"}


def test_measures_and_dimensions_of_images_change_the_picture_and_the_link():
    at = opened("curvature", **IMAGES)
    for measure, word in (("straightness_rate", "Uneven motion"), ("torsion", "Torsion")):
        before = data_of(at)
        at.segmented_control(key="ui.curvature.measure").set_value(measure).run()
        assert not at.exception
        assert data_of(at) != before
        assert alts(at)[0].startswith(word)
    at.segmented_control(key="ui.curvature.components").set_value("space").run()
    assert "three components" in alts(at)[1]
    assert link(at) == IMAGES | {"measure": "torsion", "components": "space"}
    assert data_of(opened("curvature", **link(at))) == data_of(at)


def test_there_is_no_torsion_in_the_plane():
    at = opened("curvature", **TOY)
    assert list(at.segmented_control(key="ui.curvature.measure").options) == ["Curvature", "Straightness"]
    at.segmented_control(key="ui.kind").set_value("images").run()
    at.segmented_control(key="ui.curvature.measure").set_value("torsion").run()
    at.segmented_control(key="ui.kind").set_value("toy").run()
    assert not at.exception
    assert not at.warning, said(at)


@pytest.mark.parametrize(("given", "beside"), [(TOY, "digits"), (IMAGES, "moons")])
def test_data_of_the_other_kind_stand_beside_and_leave_again(given, beside):
    at = opened("curvature", **given)
    assert any("what to compare with" in caption.value for caption in at.caption)
    few = len(alts(at))
    kind = "images" if given is IMAGES else "toy"
    at.selectbox(key=f"ui.curvature.beside@{kind}").set_value(beside).run()
    assert not at.exception
    assert len(alts(at)) == few + 1
    assert "two kinds of data" in alts(at)[3]
    assert link(at) == given | {"beside": beside}
    assert data_of(opened("curvature", **link(at))) == data_of(at)
    at.selectbox(key=f"ui.curvature.beside@{kind}").set_value(None).run()
    assert not at.exception
    assert link(at) == given
