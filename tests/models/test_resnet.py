import pytest

import kerazoo


def test_stride_in_moves_the_stride():
    v1, v15 = (
        kerazoo.resnet50(
            input_shape=(64, 64, 3), include_top=False, stride_in=stride_in
        )
        for stride_in in ("1x1", "3x3")
    )
    for stage in (2, 3, 4):
        names = [f"stage{stage}_block1_conv{n}" for n in (1, 2)]
        assert [v1.get_layer(n).strides for n in names] == [(2, 2), (1, 1)]
        assert [v15.get_layer(n).strides for n in names] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("name", ["resnet50", "preresnet50", "preresnet164_cifar"])
def test_a_strange_stride_in_is_refused(name):
    with pytest.raises(ValueError, match="'7x7'; it must be one of 1x1, 3x3"):
        kerazoo.create(name, stride_in="7x7")
