import pytest

import kerazoo


def test_a_strange_lrn_alpha_mode_is_refused():
    with pytest.raises(ValueError, match="one of mean, sum"):
        kerazoo.vgg11_lrn(lrn_alpha_mode="max")
