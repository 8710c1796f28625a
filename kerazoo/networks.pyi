# Written by `make models`; do not edit.
import os
import typing

import keras

def alexnet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    groups: typing.Literal[1, 2] = 1,
    norm_order: typing.Literal['norm_pool', 'pool_norm'] = 'norm_pool',
    lrn_alpha_mode: typing.Literal['sum', 'mean'] = 'sum',
    lrn_k: float = 2.0,
) -> keras.Model:
    """AlexNet, 2012.

    Args:
        groups: The towers; the paper has two. 1 or 2.
        norm_order: Whether a pooling follows its normalisation. 'norm_pool' or
            'pool_norm'.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares. 'sum'
            or 'mean'.
        lrn_k: What the normalisation adds to the weighed squares. a number above 0.
    """

def alexnet_owt(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """AlexNet in one tower, 2014 ("one weird trick")."""

def all_cnn_a(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """All-CNN-A: a 5x5 convolution before each strided one."""

def all_cnn_b(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """All-CNN-B: a 5x5 and a 1x1 convolution before each strided one."""

def all_cnn_c(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv7_padding: typing.Literal['valid', 'same'] = 'valid',
) -> keras.Model:
    """All-CNN-C: two 3x3 convolutions before each strided one.

    Args:
        conv7_padding: Of the last 3x3 convolution; padded, 8x8 positions are averaged.
            'valid' or 'same'.
    """

def bn_googlenet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stem: typing.Literal['plain', 'separable'] = 'plain',
    branch5: typing.Literal['5x5', '3x3'] = '5x5',
    aux: bool = False,
    pool4: typing.Literal[2, 3] = 3,
    bn_epsilon: float = 1e-05,
) -> keras.Model:
    """GoogLeNet with a batch norm after every convolution.

    Args:
        stem: The first convolution. 'plain' or 'separable'.
        branch5: The kernel of the third branch. '5x5' or '3x3'.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``. True or
            False.
        pool4: The window of the pooling behind stage 4. 2 or 3.
        bn_epsilon: What the batch norms add to a variance. a number above 0.
    """

def bn_inception(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_proj: typing.Literal['consistent', 'table'] = 'consistent',
    stem: typing.Literal['plain', 'separable'] = 'plain',
    conv_bias: bool = False,
    avg_count_pad: bool = False,
) -> keras.Model:
    """BN-Inception, 2015.

    Args:
        pool_proj: The pool projections of 4c and 4d. 'consistent' or 'table'.
        stem: The first convolution. 'plain' or 'separable'.
        conv_bias: Whether convolutions have a bias before their batch norm. True or
            False.
        avg_count_pad: Whether averages count the zeros around a map. True or False.
    """

def dsn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    companions: bool = False,
    final_relu: bool = False,
) -> keras.Model:
    """The deeply-supervised network in network.

    Args:
        companions: Whether to build the training graph, with the outputs
            ``predictions``, ``companion1``, ``companion2`` and ``companion3``. True or
            False.
        final_relu: Whether a ReLU stands before the average of the class maps. True or
            False.
    """

def elu11(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """The ELU network of 11 layers."""

def elu18(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """The ELU network of 18 layers."""

def enet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dropout: tuple[float, float] = (0.01, 0.1),
) -> keras.Model:
    """ENet: a class for every pixel.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3. 2 numbers
            from 0 up to, but less than, 1.
    """

def enet_encoder(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dropout: tuple[float, float] = (0.01, 0.1),
) -> keras.Model:
    """ENet's encoder as a classifier.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3. 2 numbers
            from 0 up to, but less than, 1.
    """

def enet_encoder_per_pixel(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dropout: tuple[float, float] = (0.01, 0.1),
) -> keras.Model:
    """ENet's encoder with a class for each position: the paper's first training.

    Args:
        dropout: The share of maps dropped in stage 1, and in stages 2 and 3. 2 numbers
            from 0 up to, but less than, 1.
    """

def fast_rcnn_caffenet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    align: bool = False,
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Fast R-CNN on CaffeNet, the paper's model S.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fast_rcnn_mini(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    align: bool = True,
    dropout: float = 0.0,
    proposals: int = 64,
    regions_sampled: int = 32,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.3,
    max_detections: int = 50,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """A small Fast R-CNN that two cores train in minutes.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fast_rcnn_vgg16(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    align: bool = False,
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Fast R-CNN on VGG-16, the paper's model L.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fast_rcnn_vgg_m(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    align: bool = False,
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Fast R-CNN on VGG_CNN_M_1024, the paper's model M.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fast_rcnn_zf(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    align: bool = False,
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Fast R-CNN on ZFNet, the second of the four steps of Faster R-CNN.

    Args:
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fast_yolo(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    boxes: int = 2,
    dropout: float = 0.5,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.5,
    max_detections: int = 98,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Fast YOLO: nine convolutions.

    Args:
        boxes: Boxes of a cell. a whole number from 1.
        dropout: The share dropped before the last layer. a number from 0 up to, but
            less than, 1.
        score_threshold: What a detection's score exceeds; pictures are drawn from 0.2.
            a number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def faster_rcnn_mini(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    ratios: tuple[float, ...] = (1.0,),
    scales: tuple[float, ...] = (2.5, 4.0, 6.0),
    align: bool = True,
    learns: typing.Literal['both', 'proposals', 'regions'] = 'both',
    dropout: float = 0.0,
    before: int = 300,
    proposals: int = 50,
    training_proposals: int = 100,
    anchors_sampled: int = 64,
    regions_sampled: int = 32,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.3,
    max_detections: int = 50,
    truth: typing.Any | None = None,
) -> keras.Model:
    """A small Faster R-CNN that two cores train in minutes.

    Args:
        ratios: The anchors' heights to widths. a list of numbers above 0.
        scales: The anchors' sides as multiples of the strides of the map. a list of
            numbers above 0.
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        learns: What is trained: both ends, as the authors' joint training does; or one
            of them, as in the paper's four steps. 'both' or 'proposals' or 'regions'.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        before: The best regions, of which those that overlap a better one go; twice as
            many in training. a whole number from 1.
        proposals: How many regions are looked at. a whole number from 1.
        training_proposals: How many are drawn from in training. a whole number from 1.
        anchors_sampled: Anchors of an image that are learnt from. a whole number from
            1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def faster_rcnn_vgg16(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0),
    scales: tuple[float, ...] = (8.0, 16.0, 32.0),
    align: bool = False,
    learns: typing.Literal['both', 'proposals', 'regions'] = 'both',
    dropout: float = 0.5,
    before: int = 6000,
    proposals: int = 300,
    training_proposals: int = 2000,
    anchors_sampled: int = 256,
    regions_sampled: int = 128,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Faster R-CNN on VGG-16.

    Args:
        ratios: The anchors' heights to widths. a list of numbers above 0.
        scales: The anchors' sides as multiples of the strides of the map. a list of
            numbers above 0.
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        learns: What is trained: both ends, as the authors' joint training does; or one
            of them, as in the paper's four steps. 'both' or 'proposals' or 'regions'.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        before: The best regions, of which those that overlap a better one go; twice as
            many in training. a whole number from 1.
        proposals: How many regions are looked at. a whole number from 1.
        training_proposals: How many are drawn from in training. a whole number from 1.
        anchors_sampled: Anchors of an image that are learnt from. a whole number from
            1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def faster_rcnn_zf(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0),
    scales: tuple[float, ...] = (8.0, 16.0, 32.0),
    align: bool = False,
    learns: typing.Literal['both', 'proposals', 'regions'] = 'both',
    dropout: float = 0.5,
    before: int = 6000,
    proposals: int = 300,
    training_proposals: int = 2000,
    anchors_sampled: int = 256,
    regions_sampled: int = 128,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    truth: typing.Any | None = None,
) -> keras.Model:
    """Faster R-CNN on ZFNet.

    Args:
        ratios: The anchors' heights to widths. a list of numbers above 0.
        scales: The anchors' sides as multiples of the strides of the map. a list of
            numbers above 0.
        align: Whether RoIAlign stands in place of RoI pooling. True or False.
        learns: What is trained: both ends, as the authors' joint training does; or one
            of them, as in the paper's four steps. 'both' or 'proposals' or 'regions'.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        before: The best regions, of which those that overlap a better one go; twice as
            many in training. a whole number from 1.
        proposals: How many regions are looked at. a whole number from 1.
        training_proposals: How many are drawn from in training. a whole number from 1.
        anchors_sampled: Anchors of an image that are learnt from. a whole number from
            1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def fitnet4(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    activation: typing.Literal['maxout', 'relu', 'vlrelu', 'tanh', 'sigmoid'] = 'maxout',
    conv_pieces: int = 2,
    fc_pieces: int = 5,
    dropout: float = 0.2,
) -> keras.Model:
    """FitNet 4: 17 thin convolutions and two dense layers.

    Args:
        activation: Of all hidden layers; ``vlrelu`` is leaky with a slope of 1/3.
            'maxout' or 'relu' or 'vlrelu' or 'tanh' or 'sigmoid'.
        conv_pieces: The maxout pieces of the convolutions; other activations have none.
            a whole number from 1.
        fc_pieces: The same of the hidden dense layer. a whole number from 1.
        dropout: The share dropped of the images, after poolings and the dense layer. a
            number from 0 up to, but less than, 1.
    """

def fitresnet4(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    activation: typing.Literal['maxout', 'relu', 'vlrelu', 'tanh', 'sigmoid'] = 'maxout',
    conv_pieces: int = 2,
    fc_pieces: int = 5,
    dropout: float = 0.2,
) -> keras.Model:
    """FitNet 4 with identity shortcuts, a reconstruction.

    Args:
        activation: Of all hidden layers; ``vlrelu`` is leaky with a slope of 1/3.
            'maxout' or 'relu' or 'vlrelu' or 'tanh' or 'sigmoid'.
        conv_pieces: The maxout pieces of the convolutions; other activations have none.
            a whole number from 1.
        fc_pieces: The same of the hidden dense layer. a whole number from 1.
        dropout: The share dropped of the images, after poolings and the dense layer. a
            number from 0 up to, but less than, 1.
    """

def fractalnet20(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    columns: int = 3,
    channels: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512),
    drop_path: float = 0.15,
    global_share: float = 0.5,
    pool_before_join: bool = False,
) -> keras.Model:
    """FractalNet of three columns, 20 layers deep.

    Args:
        columns: The number of columns; the deepest has ``5 * 2 ** (columns - 1)``
            convolutions. a whole number from 1.
        channels: The widths of the five blocks. 5 whole numbers from 1.
        drop_path: The probability to drop an input of a join in training. a number from
            0 up to, but less than, 1.
        global_share: The share of training steps in which one column runs alone. a
            number.
        pool_before_join: Whether each column is pooled before a block's last join. True
            or False.
    """

def fractalnet40(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    columns: int = 4,
    channels: tuple[int, int, int, int, int] = (16, 32, 64, 128, 128),
    drop_path: float = 0.15,
    global_share: float = 0.5,
    pool_before_join: bool = False,
) -> keras.Model:
    """FractalNet of four columns, 40 layers deep and narrow.

    Args:
        columns: The number of columns; the deepest has ``5 * 2 ** (columns - 1)``
            convolutions. a whole number from 1.
        channels: The widths of the five blocks. 5 whole numbers from 1.
        drop_path: The probability to drop an input of a join in training. a number from
            0 up to, but less than, 1.
        global_share: The share of training steps in which one column runs alone. a
            number.
        pool_before_join: Whether each column is pooled before a block's last join. True
            or False.
    """

def googlenet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stem: typing.Literal['plain', 'separable'] = 'plain',
    branch5: typing.Literal['5x5', '3x3'] = '5x5',
    aux: bool = False,
    lrn_alpha_mode: typing.Literal['sum', 'mean'] = 'sum',
) -> keras.Model:
    """GoogLeNet (Inception v1), 2014.

    Args:
        stem: The first convolution. 'plain' or 'separable'.
        branch5: The kernel of the third branch. '5x5' or '3x3'.
        aux: Whether to add the training graph's outputs ``aux1`` and ``aux2``. True or
            False.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares. 'sum'
            or 'mean'.
    """

def highway19(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dropout: float = 0.2,
) -> keras.Model:
    """The highway network of 19 layers.

    Args:
        dropout: The share dropped of the images, after the poolings and at the end. a
            number from 0 up to, but less than, 1.
    """

def inception_resnet_v1(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    variant: typing.Literal['paper', 'facenet'] = 'paper',
    bn_scale: bool = True,
    residual_scale: tuple[float, float, float] = (0.17, 0.1, 0.2),
) -> keras.Model:
    """Inception-ResNet-v1, 2016: the cost of Inception v3.

    Args:
        variant: Whose network. 'paper' or 'facenet'.
        bn_scale: Whether the batch norms have a gamma. True or False.
        residual_scale: The factors of the residual branches in modules A, B and C. 3
            numbers.
    """

def inception_resnet_v2(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    layout: typing.Literal['released', 'paper'] = 'released',
    bn_scale: bool = True,
    residual_scale: tuple[float, float, float] = (0.17, 0.1, 0.2),
) -> keras.Model:
    """Inception-ResNet-v2, 2016: the cost of Inception v4.

    Args:
        layout: Whose body. 'released' or 'paper'.
        bn_scale: Whether the batch norms have a gamma. True or False.
        residual_scale: The factors of the residual branches in modules A, B and C. 3
            numbers.
    """

def inception_v2(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    bn_scale: bool = True,
    avg_count_pad: bool = False,
    aux: bool = False,
    aux_batch_norm: bool = True,
    dropout: float = 0.2,
) -> keras.Model:
    """Inception v2, a reconstruction: v3 before its first 7x7 was factorised.

    Args:
        bn_scale: Whether the batch norms have a gamma. True or False.
        avg_count_pad: Whether averages count the zeros around a map. True or False.
        aux: Whether to add the training graph's output ``aux``. True or False.
        aux_batch_norm: Whether the fully connected layer of that head has a batch norm.
            True or False.
        dropout: The share of pooled features dropped in training. a number from 0 up
            to, but less than, 1.
    """

def inception_v3(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stem: typing.Literal['slim', 'table'] = 'slim',
    bn_scale: bool = True,
    avg_count_pad: bool = False,
    aux: bool = False,
    aux_batch_norm: bool = True,
    dropout: float = 0.2,
) -> keras.Model:
    """Inception v3, 2015.

    Args:
        stem: As released, or as in the paper's Table 1. 'slim' or 'table'.
        bn_scale: Whether the batch norms have a gamma. True or False.
        avg_count_pad: Whether averages count the zeros around a map. True or False.
        aux: Whether to add the training graph's output ``aux``. True or False.
        aux_batch_norm: Whether the fully connected layer of that head has a batch norm.
            True or False.
        dropout: The share of pooled features dropped in training. a number from 0 up
            to, but less than, 1.
    """

def inception_v4(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    bn_scale: bool = True,
) -> keras.Model:
    """Inception v4, 2016.

    Args:
        bn_scale: Whether the batch norms have a gamma. True or False.
    """

def lenet5(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool: typing.Literal['max', 'avg'] = 'max',
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'relu',
    padding: typing.Literal['same', 'valid'] = 'same',
) -> keras.Model:
    """LeNet-5 as it is taught: conv, pool, conv, pool, conv, fc.

    Args:
        pool: The kind of both poolings. 'max' or 'avg'.
        activation: That of every hidden layer. 'relu' or 'leaky_relu' or 'elu' or
            'selu' or 'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or
            'sigmoid' or 'hard_sigmoid' or 'linear'.
        padding: Of the first convolution; without, the last one covers what is left.
            'same' or 'valid'.
    """

def lenet5_original(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """LeNet-5 of 1998: trained subsampling, a connection table, RBF outputs."""

def lenet_caffe(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """LeNet as in Caffe's examples."""

def mlp_50(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    units: tuple[int, ...] = (50,),
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'sigmoid',
    batch_norm: bool = False,
    dropout: float | tuple[float, ...] = 0.0,
) -> keras.Model:
    """A perceptron with one hidden layer of 50 sigmoid units.

    Args:
        units: The widths of the hidden layers. a list of whole numbers from 1.
        activation: The hidden layers'. 'relu' or 'leaky_relu' or 'elu' or 'selu' or
            'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or 'sigmoid' or
            'hard_sigmoid' or 'linear'.
        batch_norm: Whether a batch norm stands before every activation. True or False.
        dropout: The share of hidden units dropped in training, of every hidden layer or
            one for each; one more begins with that of the pixels. a number from 0 up
            to, but less than, 1 or a list of numbers from 0 up to, but less than, 1.
    """

def mlp_256(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    units: tuple[int, ...] = (256,),
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'relu',
    batch_norm: bool = False,
    dropout: float | tuple[float, ...] = 0.0,
) -> keras.Model:
    """A perceptron with one hidden layer of 256 units.

    Args:
        units: The widths of the hidden layers. a list of whole numbers from 1.
        activation: The hidden layers'. 'relu' or 'leaky_relu' or 'elu' or 'selu' or
            'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or 'sigmoid' or
            'hard_sigmoid' or 'linear'.
        batch_norm: Whether a batch norm stands before every activation. True or False.
        dropout: The share of hidden units dropped in training, of every hidden layer or
            one for each; one more begins with that of the pixels. a number from 0 up
            to, but less than, 1 or a list of numbers from 0 up to, but less than, 1.
    """

def mlp_deep5(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    units: tuple[int, ...] = (512, 512, 512, 512),
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'relu',
    batch_norm: bool = False,
    dropout: float | tuple[float, ...] = 0.3,
) -> keras.Model:
    """A perceptron of five weight layers with ReLU, Xavier's weights and dropout.

    Args:
        units: The widths of the hidden layers. a list of whole numbers from 1.
        activation: The hidden layers'. 'relu' or 'leaky_relu' or 'elu' or 'selu' or
            'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or 'sigmoid' or
            'hard_sigmoid' or 'linear'.
        batch_norm: Whether a batch norm stands before every activation. True or False.
        dropout: The share of hidden units dropped in training, of every hidden layer or
            one for each; one more begins with that of the pixels. a number from 0 up
            to, but less than, 1 or a list of numbers from 0 up to, but less than, 1.
    """

def nin_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    second_pool: typing.Literal['max', 'avg'] = 'max',
    pool_padding: typing.Literal['ceil', 'symmetric'] = 'ceil',
    final_relu: bool = True,
) -> keras.Model:
    """Network in Network for CIFAR-10.

    Args:
        second_pool: The kind of the second pooling. 'max' or 'avg'.
        pool_padding: Whether a pooling rounds up, or has a pixel on every side. 'ceil'
            or 'symmetric'.
        final_relu: Whether a ReLU follows the class maps. True or False.
    """

def nin_imagenet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    second_pool: typing.Literal['max', 'avg'] = 'max',
    pool_padding: typing.Literal['ceil', 'symmetric'] = 'ceil',
    final_relu: bool = True,
) -> keras.Model:
    """Network in Network for ImageNet, as in Caffe's model zoo.

    Args:
        second_pool: The kind of the second pooling. 'max' or 'avg'.
        pool_padding: Whether a pooling rounds up, or has a pixel on every side. 'ceil'
            or 'symmetric'.
        final_relu: Whether a ReLU follows the class maps. True or False.
    """

def overfeat_accurate(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dense: bool = False,
    offsets: bool = False,
) -> keras.Model:
    """OverFeat's accurate network.

    Args:
        dense: Whether to return the map of class scores, ``(batch, height, width,
            classes)``, one place for every window of the default input's size, in place
            of their maxima. True or False.
        offsets: Whether the windows lie a pooling's stride closer (section 3.3): 18
            pixels apart in the fast network, 12 in the accurate one, not 36. True or
            False.
    """

def overfeat_fast(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    dense: bool = False,
    offsets: bool = False,
) -> keras.Model:
    """OverFeat's fast network.

    Args:
        dense: Whether to return the map of class scores, ``(batch, height, width,
            classes)``, one place for every window of the default input's size, in place
            of their maxima. True or False.
        offsets: Whether the windows lie a pooling's stride closer (section 3.3): 18
            pixels apart in the fast network, 12 in the accurate one, not 36. True or
            False.
    """

def preresnet50(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['3x3', '1x1'] = '3x3',
    first_unit: typing.Literal['plain', 'pre_activation'] = 'plain',
    stem: typing.Literal['norm_first', 'pool_first'] = 'norm_first',
) -> keras.Model:
    """Pre-activation ResNet-50.

    Args:
        stride_in: Which convolution of a unit strides. '3x3' or '1x1'.
        first_unit: Whether the first unit too has a batch norm and ReLU of its own.
            'plain' or 'pre_activation'.
        stem: Whether the first convolution is normalised before it is pooled.
            'norm_first' or 'pool_first'.
    """

def preresnet101(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['3x3', '1x1'] = '3x3',
    first_unit: typing.Literal['plain', 'pre_activation'] = 'plain',
    stem: typing.Literal['norm_first', 'pool_first'] = 'norm_first',
) -> keras.Model:
    """Pre-activation ResNet-101.

    Args:
        stride_in: Which convolution of a unit strides. '3x3' or '1x1'.
        first_unit: Whether the first unit too has a batch norm and ReLU of its own.
            'plain' or 'pre_activation'.
        stem: Whether the first convolution is normalised before it is pooled.
            'norm_first' or 'pool_first'.
    """

def preresnet152(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['3x3', '1x1'] = '3x3',
    first_unit: typing.Literal['plain', 'pre_activation'] = 'plain',
    stem: typing.Literal['norm_first', 'pool_first'] = 'norm_first',
) -> keras.Model:
    """Pre-activation ResNet-152.

    Args:
        stride_in: Which convolution of a unit strides. '3x3' or '1x1'.
        first_unit: Whether the first unit too has a batch norm and ReLU of its own.
            'plain' or 'pre_activation'.
        stem: Whether the first convolution is normalised before it is pooled.
            'norm_first' or 'pool_first'.
    """

def preresnet164_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
) -> keras.Model:
    """Pre-activation ResNet-164 for CIFAR-10.

    Args:
        stride_in: Which convolution of a unit strides. '1x1' or '3x3'.
    """

def preresnet200(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['3x3', '1x1'] = '3x3',
    first_unit: typing.Literal['plain', 'pre_activation'] = 'plain',
    stem: typing.Literal['norm_first', 'pool_first'] = 'norm_first',
) -> keras.Model:
    """Pre-activation ResNet-200.

    Args:
        stride_in: Which convolution of a unit strides. '3x3' or '1x1'.
        first_unit: Whether the first unit too has a batch norm and ReLU of its own.
            'plain' or 'pre_activation'.
        stem: Whether the first convolution is normalised before it is pooled.
            'norm_first' or 'pool_first'.
    """

def preresnet1001_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
) -> keras.Model:
    """Pre-activation ResNet-1001 for CIFAR-10.

    Args:
        stride_in: Which convolution of a unit strides. '1x1' or '3x3'.
    """

def rcnn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    crop_size: int = 227,
    context: float = 16.0,
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.18,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """R-CNN on CaffeNet.

    Args:
        crop_size: Height and width that every region is warped to. a whole number from
            1.
        context: Pixels of a crop around its region. a number from 0.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5. a
            number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def rcnn_mini(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    crop_size: int = 48,
    context: float = 3.4,
    dropout: float = 0.5,
    proposals: int = 64,
    regions_sampled: int = 16,
    score_threshold: float = 0.18,
    iou_threshold: float = 0.3,
    max_detections: int = 50,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """A small R-CNN that two cores train in minutes.

    Args:
        crop_size: Height and width that every region is warped to. a whole number from
            1.
        context: Pixels of a crop around its region. a number from 0.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5. a
            number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def resnet18(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-18, basic blocks.

    Args:
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet20_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-20 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def resnet32_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-32 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def resnet34(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-34, basic blocks.

    Args:
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet44_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-44 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def resnet50(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-50, bottlenecks.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet56_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-56 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def resnet101(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-101, bottlenecks.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet110_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-110 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def resnet152(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-152, bottlenecks.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet164_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
) -> keras.Model:
    """ResNet-164 for CIFAR-10, bottlenecks in their original order.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
    """

def resnet200(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
    conv_bias: bool = False,
) -> keras.Model:
    """ResNet-200, bottlenecks in their original order.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
        conv_bias: Whether convolutions keep a bias before their batch norm. True or
            False.
    """

def resnet1001_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    stride_in: typing.Literal['1x1', '3x3'] = '1x1',
) -> keras.Model:
    """ResNet-1001 for CIFAR-10, bottlenecks in their original order.

    Args:
        stride_in: Which convolution of a bottleneck strides. '1x1' or '3x3'.
    """

def resnet1202_cifar(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    shortcut: typing.Literal['A', 'B'] = 'A',
    zeros: typing.Literal['end', 'centre'] = 'end',
) -> keras.Model:
    """ResNet-1202 for CIFAR-10.

    Args:
        shortcut: The paper's option: zeros for new channels, or a projection. 'A' or
            'B'.
        zeros: Whether option A's zeros stand behind the channels or around them. 'end'
            or 'centre'.
    """

def slide_cnn_a(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'relu',
    dropout: float = 0.3,
) -> keras.Model:
    """Three convolutions of 32, 64 and 128 maps and a hidden layer of 625.

    Args:
        activation: That of every hidden layer. 'relu' or 'leaky_relu' or 'elu' or
            'selu' or 'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or
            'sigmoid' or 'hard_sigmoid' or 'linear'.
        dropout: The share dropped after every pooling and the hidden layer. a number
            from 0 up to, but less than, 1.
    """

def slide_cnn_b(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    activation: typing.Literal['relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'softplus', 'softsign', 'tanh', 'sigmoid', 'hard_sigmoid', 'linear'] = 'relu',
) -> keras.Model:
    """Two 5x5 convolutions with batch norm before the pooling, a hidden layer of 50.

    Args:
        activation: That of every hidden layer. 'relu' or 'leaky_relu' or 'elu' or
            'selu' or 'gelu' or 'silu' or 'softplus' or 'softsign' or 'tanh' or
            'sigmoid' or 'hard_sigmoid' or 'linear'.
    """

def sppnet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    levels: tuple[int, ...] = (6, 3, 2, 1),
) -> keras.Model:
    """SPP-net on ZF-5: the same weights take images of any size.

    Args:
        levels: Rows (and columns) of each grid of the pyramid. a list of whole numbers
            from 1.
    """

def sppnet_detector(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    levels: tuple[int, ...] = (6, 3, 2, 1),
    dropout: float = 0.5,
    proposals: int = 2000,
    regions_sampled: int = 64,
    score_threshold: float = 0.18,
    iou_threshold: float = 0.3,
    max_detections: int = 100,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """SPP-net as a detector: features of all regions from one map.

    Args:
        levels: Rows (and columns) of each grid of the pyramid. a list of whole numbers
            from 1.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5. a
            number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def sppnet_detector_mini(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    levels: tuple[int, ...] = (5, 3, 1),
    dropout: float = 0.0,
    proposals: int = 64,
    regions_sampled: int = 32,
    score_threshold: float = 0.18,
    iou_threshold: float = 0.3,
    max_detections: int = 50,
    regions: typing.Any | None = None,
    truth: typing.Any | None = None,
) -> keras.Model:
    """A small SPP-net detector that two cores train in minutes.

    Args:
        levels: Rows (and columns) of each grid of the pyramid. a list of whole numbers
            from 1.
        dropout: The share dropped behind fully connected layers. a number from 0 up to,
            but less than, 1.
        proposals: How many regions of an image are looked at. a whole number from 1.
        regions_sampled: Regions of an image that are learnt from. a whole number from
            1.
        score_threshold: What a detection's score exceeds; 0.18 is a margin of -1.5. a
            number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        regions: The tensor of the proposed regions, in place of a new input. a Keras
            tensor of boxes (batch, n, 4) or None.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def vgg11(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG A: 11 weight layers.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg11_bn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = True,
) -> keras.Model:
    """VGG A with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases. True or False.
    """

def vgg11_lrn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    lrn_alpha_mode: typing.Literal['sum', 'mean'] = 'sum',
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG A-LRN: A with local response normalisation after its first convolution.

    Args:
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares. 'sum'
            or 'mean'.
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg13(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG B: 13 weight layers.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg13_bn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = True,
) -> keras.Model:
    """VGG B with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases. True or False.
    """

def vgg16(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG D: 16 weight layers, the network that is called VGG-16.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg16_bn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = True,
) -> keras.Model:
    """VGG D with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases. True or False.
    """

def vgg16c(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG C: 16 weight layers, three of them 1x1 convolutions.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg19(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_mode: typing.Literal['ceil', 'floor'] = 'ceil',
) -> keras.Model:
    """VGG E: 19 weight layers.

    Args:
        pool_mode: Whether the poolings of an odd grid round up or down. 'ceil' or
            'floor'.
    """

def vgg19_bn(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    conv_bias: bool = True,
) -> keras.Model:
    """VGG E with batch norm.

    Args:
        conv_bias: Whether the convolutions keep their biases. True or False.
    """

def xception(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    pool_padding: typing.Literal['same', 'symmetric'] = 'same',
    bn_epsilon: float = 0.001,
    dropout: float = 0.5,
) -> keras.Model:
    """Xception, 2016.

    Args:
        pool_padding: Where the poolings pad an even grid. 'same' or 'symmetric'.
        bn_epsilon: What the batch norms add to a variance. a number above 0.
        dropout: The share of pooled features dropped in training. a number from 0 up
            to, but less than, 1.
    """

def yolo(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    boxes: int = 2,
    dropout: float = 0.5,
    score_threshold: float = 0.001,
    iou_threshold: float = 0.5,
    max_detections: int = 98,
    truth: typing.Any | None = None,
) -> keras.Model:
    """YOLO: 24 convolutions and two fully connected layers.

    Args:
        boxes: Boxes of a cell. a whole number from 1.
        dropout: The share dropped before the last layer. a number from 0 up to, but
            less than, 1.
        score_threshold: What a detection's score exceeds; pictures are drawn from 0.2.
            a number from 0 up to, but less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def yolo_mini(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    boxes: int = 2,
    units: int | None = None,
    dropout: float = 0.0,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.5,
    max_detections: int = 50,
    truth: typing.Any | None = None,
) -> keras.Model:
    """A small YOLO that two cores train in minutes.

    Args:
        boxes: Boxes of a cell. a whole number from 1.
        units: Of a fully connected layer that looks at the whole image, as the paper's
            head does; by default there is none. a whole number from 1 or None.
        dropout: The share dropped behind it. a number from 0 up to, but less than, 1.
        score_threshold: What a detection's score exceeds. a number from 0 up to, but
            less than, 1.
        iou_threshold: Overlap with a better box of its class from which a box goes. a
            number from 0 to 1.
        max_detections: How many boxes an image has at most. a whole number from 1.
        truth: In training the tensors of the true boxes and classes. a pair of Keras
            tensors, the true boxes and their classes or None.
    """

def yolo_pretraining(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
) -> keras.Model:
    """The classifier whose twenty convolutions YOLO begins with."""

def zfnet(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    norm_order: typing.Literal['pool_norm', 'norm_pool'] = 'pool_norm',
    lrn_alpha_mode: typing.Literal['sum', 'mean'] = 'sum',
    lrn_k: float = 2.0,
    max_rms: float | None = 0.1,
) -> keras.Model:
    """ZFNet, 2013.

    Args:
        norm_order: Whether a pooling precedes its normalisation. 'pool_norm' or
            'norm_pool'.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares. 'sum'
            or 'mean'.
        lrn_k: What the normalisation adds to the weighed squares. a number above 0.
        max_rms: The largest root mean square of a filter in training. a number above 0
            or None.
    """

def zfnet_wide(
    *,
    input_shape: tuple[int | None, int | None, int] | None = None,
    classes: int | None = None,
    include_top: bool = True,
    pooling: typing.Literal['avg', 'max'] | None = None,
    weights: str | os.PathLike | None = None,
    input_tensor: typing.Any = None,
    classifier_activation: typing.Any = 'softmax',
    name: str | None = None,
    norm_order: typing.Literal['pool_norm', 'norm_pool'] = 'pool_norm',
    lrn_alpha_mode: typing.Literal['sum', 'mean'] = 'sum',
    lrn_k: float = 2.0,
    max_rms: float | None = 0.1,
) -> keras.Model:
    """ZFNet with 512, 1024 and 512 maps, which slides often call ZFNet.

    Args:
        norm_order: Whether a pooling precedes its normalisation. 'pool_norm' or
            'norm_pool'.
        lrn_alpha_mode: Whether alpha weighs the sum or the mean of the squares. 'sum'
            or 'mean'.
        lrn_k: What the normalisation adds to the weighed squares. a number above 0.
        max_rms: The largest root mean square of a filter in training. a number above 0
            or None.
    """
