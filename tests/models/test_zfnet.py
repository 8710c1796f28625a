import keras
import numpy as np
import pytest

import kerazoo

SMALL = {"input_shape": (47, 47, 3), "classes": 3}


def test_filters_of_a_large_root_mean_square_are_scaled_back():
    layer = kerazoo.zfnet(**SMALL).get_layer("conv2")
    kernel = np.ones(layer.kernel.shape, "float32")
    kernel[..., 0] *= 0.05
    after = np.asarray(layer.kernel.constraint(keras.ops.convert_to_tensor(kernel)))
    rms = np.sqrt((after**2).mean((0, 1, 2)))
    np.testing.assert_allclose(rms, [0.05] + [0.1] * 255, rtol=1e-5)


def test_filters_may_be_left_alone():
    model = kerazoo.zfnet(**SMALL, max_rms=None)
    assert model.get_layer("conv2").kernel.constraint is None


def test_pools_before_it_normalises():
    names = [layer.name for layer in kerazoo.zfnet(**SMALL).layers]
    assert names.index("pool1") < names.index("norm1") < names.index("conv2")


def test_a_strange_lrn_alpha_mode_is_refused():
    with pytest.raises(ValueError, match="one of mean, sum"):
        kerazoo.zfnet(lrn_alpha_mode="max")


def test_may_normalise_before_it_pools():
    model = kerazoo.zfnet(**SMALL, norm_order="norm_pool", lrn_k=1)
    names = [layer.name for layer in model.layers]
    assert names.index("norm1") < names.index("pool1") < names.index("conv2")
    assert model.get_layer("norm1").k == 1
