"""What the guide offers follows from what there is."""

from itertools import product

from napari_toposeg.plugin.guide.steps import Facts, guide_steps


def test_at_first_only_a_scan_can_be_opened():
    steps = guide_steps(Facts())
    assert [step.ready for step in steps] == [True, False, False]
    assert not any(step.done for step in steps)


def test_with_a_scan_the_next_steps_are_offered():
    steps = guide_steps(Facts(scan=True))
    assert [step.done for step in steps] == [True, False, False]
    assert [step.does for step in steps] == ["sample", "segment", "paint"]
    assert all(step.ready for step in steps)


def test_what_was_segmented_is_compared_and_what_was_painted_trained_on():
    steps = guide_steps(Facts(scan=True, segmented=True, annotated=True))
    assert [step.does for step in steps] == ["sample", "errors", "train"]


def test_a_step_is_ticked_by_its_last_part_however_it_came_to_be():
    for facts in product([False, True], repeat=5):
        known = Facts(*facts)
        done = [step.done for step in guide_steps(known)]
        assert done == [known.scan, known.compared, known.trained]
