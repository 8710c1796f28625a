"""How the tensors of foreign files are called in kerazoo: a table for each family.

A :class:`Rename` is a substitution in the name that stands before ``.weight``,
``/kernel`` or ``/0``; those of a table are made one after the other, and what comes out
is the name of a layer. ``<2>`` is the second group of the pattern, ``<2+1>`` that
number and one more, and ``layer/depthwise_kernel`` names a variable of the layer. An
:class:`InOrder` pairs names that say nothing but their number with layers.
"""

import dataclasses
from typing import Literal, NamedTuple


class Rename(NamedTuple):
    """A substitution in names.

    Attributes:
        pattern: What is searched for.
        layer: What takes its place.
    """

    pattern: str
    layer: str


class InOrder(NamedTuple):
    """Names that are counted through, and the layers that they are, one by one.

    Attributes:
        pattern: The names, all of it; the numbers in them give their order.
        layers: The layers, all of the name.
        order: ``graph`` for the layers' order in the model; ``made`` for that in which
            TF-slim and Keras make them: module by module, in each branch after branch.
    """

    pattern: str
    layers: str
    order: Literal["graph", "made"] = "graph"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """How the files of a source are read for a family.

    Attributes:
        style: How tensors are laid out and called: PyTorch's ``name.weight`` (output
            channels first), Keras' ``name/kernel`` or Caffe's ``name/0``.
        rows: The table.
        unused: Patterns of names that are left out, whatever the network.
        heads: Patterns of the layers of auxiliary heads, for networks without.
    """

    style: Literal["torch", "keras", "caffe"]
    rows: tuple[Rename | InOrder, ...]
    unused: tuple[str, ...] = ()
    heads: tuple[str, ...] = ("aux*",)


def _rename(**rows: str) -> tuple[Rename, ...]:
    """Rows of names that are the same but for their spelling."""
    return tuple(Rename(f"^{old}$", new) for old, new in rows.items())


# The convolution of `name.conv`, whose batch norm is `name.bn`.
CONV = Rename(r"\.conv$", "")
# pytorchcv's names of the steps of a branch; a pooling counts as a step here.
BRANCHES = (
    Rename(r"\.branches\.branch", "_branch"),
    Rename(r"_branch(\d)((?:\.bn)?)$", "_branch<1>_conv1<2>"),
    Rename(r"_branch4\.conv", "_branch4_conv2"),
    Rename(r"_branch(\d)\.conv((?:\.bn)?)$", "_branch<1>_conv1<2>"),
    Rename(r"_branch(\d)\.(?:conv_list\.)?conv(\d)(?!x)", "_branch<1>_conv<2>"),
)
# TF-slim's, as PyTorch's copies of it number them: from 0, the pooling among them.
FROM_0 = (
    Rename(r"\.branch(\d)((?:\.bn)?)$", "_branch<1+1>_conv1<2>"),
    Rename(r"\.branch(\d)\.(\d)", "_branch<1+1>_conv<2+1>"),
)


def _stem(pattern: str, names: str, numbers: str) -> tuple[Rename, ...]:
    """The convolutions of a stem, in which poolings count too."""
    pairs = zip(names.split(), numbers.split(), strict=True)
    return tuple(Rename(f"^{pattern}{a}(?=$|\\.)", f"stem_conv{b}") for a, b in pairs)


RESNET = (
    Rename(r"^module\.", ""),
    *_rename(conv1="stem_conv1", bn1="stem_bn1", fc="predictions"),
    Rename("^linear$", "predictions"),
    Rename(r"^layer(\d)\.(\d+)\.", "stage<1>_block<2+1>_"),
    Rename(r"_downsample\.0$", "_conv0"),
    Rename(r"_downsample\.1$", "_bn0"),
)
RESNET_PYTORCHCV = (
    Rename(r"^features\.init_block\.(?:conv\.)?(conv|bn)$", "stem_<1>1"),
    Rename(r"^features\.stage(\d)\.unit(\d+)\.", "stage<1>_block<2>_"),
    Rename(r"_body\.conv(\d)\.(conv|bn)$", "_<2><1>"),
    Rename(r"_identity_conv\.(conv|bn)$", "_<1>0"),
    Rename("^output$", "predictions"),
)
PRERESNET_PYTORCHCV = (
    Rename(r"^features\.init_block$", "stem_conv1"),
    Rename(r"_identity_conv$", "_conv0"),
    Rename(r"^features\.post_activ\.bn$", "head_bn"),
)
RESNETV2_TIMM = (
    *_rename(norm="head_bn"),
    Rename(r"^stem\.conv$", "stem_conv1"),
    Rename(r"^head\.fc$", "predictions"),
    Rename(r"^stages\.0\.blocks\.0\.norm1$", "stem_bn1"),
    Rename(r"^stages\.(\d)\.blocks\.(\d+)\.", "stage<1+1>_block<2+1>_"),
    Rename(r"_norm(\d)$", "_bn<1>"),
    Rename(r"_downsample\.conv$", "_conv0"),
)
VGG_HEADS = (
    Rename(r"^pre_logits\.fc(\d)$", "fc<1+5>"),
    Rename(r"^head\.fc$", "predictions"),
    *_rename(**{r"classifier\.0": "fc6", r"classifier\.3": "fc7"}),
    Rename(r"^classifier\.6$", "predictions"),
    Rename(r"^output\.fc([12])\.fc$", "fc<1+5>"),
    Rename(r"^output\.fc3$", "predictions"),
)
VGG_PYTORCHCV = (
    Rename(r"^features\.stage(\d)\.unit(\d)", "stage<1>_conv<2>"),
    CONV,
)
ALEXNET_PYTORCHCV = (
    Rename(r"^features\.stage([12])\.unit1\.conv$", "conv<1>"),
    Rename(r"^features\.stage3\.unit(\d)\.conv$", "conv<1+2>"),
)
NIN_PYTORCHCV = (
    Rename(r"^features\.stage(\d)\.unit1\.conv$", "conv<1>"),
    Rename(r"^features\.stage1\.unit(\d)\.conv$", "cccp<1-1>"),
    Rename(r"^features\.stage2\.unit(\d)\.conv$", "cccp<1+1>"),
    Rename(r"^features\.stage3\.unit2\.conv$", "cccp5"),
    Rename(r"^output\.final_conv\.conv$", "cccp6"),
)
GOOGLENET_TORCHVISION = (
    *_rename(fc="predictions"),
    CONV,
    Rename(r"^conv1(?=$|\.)", "conv1"),
    Rename(r"^conv2(?=$|\.)", "conv2_reduce"),
    Rename(r"^conv3(?=$|\.)", "conv2"),
    Rename(r"^aux(\d)\.fc1$", "aux<1>_fc"),
    Rename(r"^aux(\d)\.fc2$", "aux<1>"),
    Rename(r"^aux(\d)\.conv", "aux<1>_conv"),
    Rename(r"^inception(\d\w)", "inception_<1>"),
    Rename(r"\.branch(\d)((?:\.bn)?)$", "_branch<1>_conv1<2>"),
    Rename(r"\.branch4\.1", "_branch4_conv2"),
    Rename(r"\.branch(\d)\.(\d)", "_branch<1>_conv<2+1>"),
)
BN_INCEPTION_PYTORCHCV = (
    *_rename(output="predictions"),
    CONV,
    Rename(r"^features\.init_block\.conv1(?=$|\.bn)", "conv1"),
    Rename(r"^features\.init_block\.conv2\.conv1", "conv2_reduce"),
    Rename(r"^features\.init_block\.conv2\.conv2", "conv2"),
    Rename(r"^features\.stage1\.unit1(?=\.)", "inception_3a"),
    Rename(r"^features\.stage1\.unit2(?=\.)", "inception_3b"),
    Rename(r"^features\.stage2\.unit1(?=\.)", "inception_3c"),
    *(
        Rename(rf"^features\.stage2\.unit{number}(?=\.)", f"inception_4{letter}")
        for number, letter in enumerate("abcd", 2)
    ),
    Rename(r"^features\.stage3\.unit1(?=\.)", "inception_4e"),
    Rename(r"^features\.stage3\.unit2(?=\.)", "inception_5a"),
    Rename(r"^features\.stage3\.unit3(?=\.)", "inception_5b"),
    *BRANCHES,
)
INCEPTION_V3_TORCH = (
    *_rename(fc="predictions", **{r"AuxLogits\.fc": "aux"}),
    CONV,
    *_stem("Conv2d_", "1a_3x3 2a_3x3 2b_3x3 3b_1x1 4a_3x3", "1 2 3 5 6"),
    Rename(r"^AuxLogits\.conv(\d)", "aux_conv<1+2>"),
    *(
        Rename(rf"^Mixed_{old}\.", f"{new}_")
        for old, new in zip(
            ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"],
            (
                *(f"inception_a{n}" for n in (1, 2, 3)),
                "reduction_a",
                *(f"inception_b{n}" for n in (1, 2, 3, 4)),
                "reduction_b",
                *(f"inception_c{n}" for n in (1, 2)),
            ),
            strict=True,
        )
    ),
    Rename("branch1x1", "branch1_conv1"),
    Rename("branch_pool", "branch4_conv2"),
    Rename(r"branch5x5_(\d)", "branch2_conv<1>"),
    Rename(r"branch7x7_(\d)", "branch2_conv<1>"),
    Rename(r"branch7x7dbl_(\d)", "branch3_conv<1>"),
    Rename(r"reduction_a_branch3x3(?=$|\.)", "reduction_a_branch1_conv1"),
    Rename(r"reduction_a_branch3x3dbl_(\d)", "reduction_a_branch2_conv<1>"),
    Rename(r"reduction_b_branch3x3_(\d)", "reduction_b_branch1_conv<1>"),
    Rename(r"reduction_b_branch7x7x3_(\d)", "reduction_b_branch2_conv<1>"),
    Rename("branch3x3_1", "branch2_conv1"),
    Rename("branch3x3_2a", "branch2_conv2"),
    Rename("branch3x3_2b", "branch2_conv3"),
    Rename("branch3x3dbl_3a", "branch3_conv3"),
    Rename("branch3x3dbl_3b", "branch3_conv4"),
    Rename(r"branch3x3dbl_(\d)", "branch3_conv<1>"),
)
# pytorchcv's Inceptions; forks follow the steps before them.
INCEPTIONS_PYTORCHCV = (
    *_rename(**{r"output\.fc": "predictions"}),
    CONV,
    *_stem(r"features\.init_block\.conv", "1 2 3 4 5 6", "1 2 3 5 6 7"),
    Rename(r"^features\.stage2\.unit1(?=\.)", "reduction_a"),
    Rename(r"^features\.stage3\.unit1(?=\.)", "reduction_b"),
)
FORKS_V3 = (
    Rename(r"_branch2\.conv1x3", "_branch2_conv2"),
    Rename(r"_branch2\.conv3x1", "_branch2_conv3"),
    Rename(r"_branch3\.conv1x3", "_branch3_conv3"),
    Rename(r"_branch3\.conv3x1", "_branch3_conv4"),
)
FORKS_V4 = (
    Rename(r"_branch2\.conv1x3", "_branch2_conv2"),
    Rename(r"_branch2\.conv3x1", "_branch2_conv3"),
    Rename(r"_branch3\.conv1x3", "_branch3_conv4"),
    Rename(r"_branch3\.conv3x1", "_branch3_conv5"),
)
MODULES_PYTORCHCV = (
    Rename(r"^features\.stage1\.unit(\d+)(?=\.)", "inception_a<1>"),
    Rename(r"^features\.stage2\.unit(\d+)(?=\.)", "inception_b<1-1>"),
    Rename(r"^features\.stage3\.unit(\d+)(?=\.)", "inception_c<1-1>"),
)
# The 1x1 convolution at the end of a residual branch is the unit's own.
INCEPTION_RESNET_PYTORCHCV = (
    Rename(r"^output\.fc1$", "embedding"),
    Rename(r"^output\.bn$", "embedding_bn"),
    Rename(r"^output\.fc2$", "predictions"),
    Rename(r"^features\.stage1\.unit(\d+)\.conv$", "inception_resnet_a<1>_up"),
    Rename(r"^features\.stage2\.unit(\d+)\.conv$", "inception_resnet_b<1-1>_up"),
    Rename(r"^features\.stage3\.unit(\d+)\.conv$", "inception_resnet_c<1-1>_up"),
    *INCEPTIONS_PYTORCHCV,
    # Of the second version alone.
    Rename(r"^features\.init_block\.block(?=\.)", "stem_5b"),
    Rename(r"^features\.final_conv", "head_conv"),
    Rename(r"^features\.stage1\.unit(\d+)(?=\.)", "inception_resnet_a<1>_mixed"),
    Rename(r"^features\.stage2\.unit(\d+)(?=\.)", "inception_resnet_b<1-1>_mixed"),
    Rename(r"^features\.stage3\.unit(\d+)(?=\.)", "inception_resnet_c<1-1>_mixed"),
    *BRANCHES,
)
INCEPTION_V4_TIMM = (
    *_rename(last_linear="predictions"),
    CONV,
    *_stem(r"features\.", "0 1 2", "1 2 3"),
    Rename(r"^features\.3\.conv", "stem_3a_branch2_conv1"),
    Rename(r"^features\.4(?=\.)", "stem_4a"),
    Rename(r"^features\.5\.conv", "stem_5a_branch1_conv1"),
    Rename(r"^features\.10(?=\.)", "reduction_a"),
    Rename(r"^features\.18(?=\.)", "reduction_b"),
    Rename(r"^features\.([6-9])(?=\.)", "inception_a<1-5>"),
    Rename(r"^features\.(1[1-7])(?=\.)", "inception_b<1-10>"),
    Rename(r"^features\.(\d+)(?=\.)", "inception_c<1-18>"),
    Rename(r"\.branch1_0", "_branch2_conv1"),
    Rename(r"\.branch1_1a", "_branch2_conv2"),
    Rename(r"\.branch1_1b", "_branch2_conv3"),
    Rename(r"\.branch2_([012])", "_branch3_conv<1+1>"),
    Rename(r"\.branch2_3a", "_branch3_conv4"),
    Rename(r"\.branch2_3b", "_branch3_conv5"),
    *FROM_0,
)
INCEPTION_RESNET_TORCH = (
    CONV,
    Rename(r"^mixed_5b(?=\.)", "stem_5b"),
    Rename(r"^mixed_6a(?=\.)", "reduction_a"),
    Rename(r"^mixed_7a(?=\.)", "reduction_b"),
)
INCEPTION_RESNET_MODULES = (
    Rename(r"\.conv2d$", "_up"),
    Rename(r"^(inception_resnet_\w\d+)(?=\.)", "<1>_mixed"),
    *FROM_0,
)
INCEPTION_RESNET_V2_TIMM = (
    *_rename(classif="predictions"),
    *INCEPTION_RESNET_TORCH,
    *_stem("conv2d_", "1a 2a 2b 3b 4a", "1 2 3 5 6"),
    Rename(r"^conv2d_7b", "head_conv"),
    Rename(r"^repeat\.(\d+)", "inception_resnet_a<1+1>"),
    Rename(r"^repeat_1\.(\d+)", "inception_resnet_b<1+1>"),
    Rename(r"^repeat_2\.(\d+)", "inception_resnet_c<1+1>"),
    Rename(r"^block8(?=\.)", "inception_resnet_c10"),
    *INCEPTION_RESNET_MODULES,
)
FACENET = (
    *_rename(last_linear="embedding", last_bn="embedding_bn", logits="predictions"),
    *INCEPTION_RESNET_TORCH,
    *_stem("conv2d_", "1a 2a 2b 3b 4a 4b", "1 2 3 5 6 7"),
    Rename(r"^repeat_1\.(\d+)", "inception_resnet_a<1+1>"),
    Rename(r"^repeat_2\.(\d+)", "inception_resnet_b<1+1>"),
    Rename(r"^repeat_3\.(\d+)", "inception_resnet_c<1+1>"),
    Rename(r"^block8(?=\.)", "inception_resnet_c6"),
    *INCEPTION_RESNET_MODULES,
)
XCEPTION_CADENE = (
    *_rename(fc="predictions", conv1="block1_conv1", conv2="block1_conv2"),
    *_rename(bn1="block1_bn1", bn2="block1_bn2", bn3="block14_bn1", bn4="block14_bn2"),
    Rename(r"^conv([34])\.conv1$", "block14_conv<1-2>/depthwise_kernel"),
    Rename(r"^conv([34])\.pointwise$", "block14_conv<1-2>/pointwise_kernel"),
    Rename(r"^block(\d+)\.skip$", "block<1+1>_conv0"),
    Rename(r"^block(\d+)\.skipbn$", "block<1+1>_bn0"),
    # Without the ReLU that the other blocks begin with.
    Rename(r"^block1\.rep\.0\.", "block2_conv1."),
    Rename(r"^block1\.rep\.1$", "block2_bn1"),
    Rename(r"^block1\.rep\.3\.", "block2_conv2."),
    Rename(r"^block1\.rep\.4$", "block2_bn2"),
    *(
        row
        for number, place in ((1, 1), (2, 4), (3, 7))
        for row in (
            Rename(rf"^block(\d+)\.rep\.{place}\.", f"block<1+1>_conv{number}."),
            Rename(rf"^block(\d+)\.rep\.{place + 1}$", f"block<1+1>_bn{number}"),
        )
    ),
    Rename(r"(_conv\d)\.conv1$", "<1>/depthwise_kernel"),
    Rename(r"(_conv\d)\.pointwise$", "<1>/pointwise_kernel"),
)
XCEPTION_PYTORCHCV = (
    *_rename(output="predictions"),
    Rename(r"^features\.init_block\.conv(\d)\.(conv|bn)$", "block1_<2><1>"),
    Rename(r"^features\.final_block\.conv(\d)\.", r"block14_body.block<1>."),
    Rename(r"^features\.stage([12])\.unit1\.", "block<1+1>_"),
    Rename(r"^features\.stage3\.unit(\d)\.", "block<1+3>_"),
    Rename(r"^features\.stage4\.unit1\.", "block13_"),
    Rename(r"_identity_conv\.(conv|bn)$", "_<1>0"),
    Rename(r"_body\.block(\d)\.bn$", "_bn<1>"),
    Rename(r"_body\.block(\d)\.conv\.dw_conv$", "_conv<1>/depthwise_kernel"),
    Rename(r"_body\.block(\d)\.conv\.pw_conv$", "_conv<1>/pointwise_kernel"),
)
VGG_KERAS = (
    Rename(r"^block(\d)_conv(\d)$", "stage<1>_conv<2>"),
    *_rename(fc1="fc6", fc2="fc7"),
)
RESNET_KERAS = (
    *_rename(conv1_conv="stem_conv1", conv1_bn="stem_bn1", probs="predictions"),
    Rename(r"^conv(\d)_block(\d+)_(\d)_(conv|bn)$", "stage<1-1>_block<2>_<4><3>"),
)
INCEPTION_V3_KERAS = (
    InOrder(r"conv2d(_\d+)?", r"(?!aux).*_conv\d+", "made"),
    InOrder(r"batch_normalization(_\d+)?", r"(?!aux).*_bn\d+", "made"),
)
INCEPTION_RESNET_V2_KERAS = (
    Rename(r"^conv_7b$", "head_conv"),
    Rename(r"^conv_7b_bn$", "head_bn"),
    Rename(r"^block35_(\d+)_conv$", "inception_resnet_a<1>_up"),
    Rename(r"^block17_(\d+)_conv$", "inception_resnet_b<1>_up"),
    Rename(r"^block8_(\d+)_conv$", "inception_resnet_c<1>_up"),
    InOrder(r"conv2d(_\d+)?", r".*_conv\d+", "made"),
    InOrder(r"batch_normalization(_\d+)?", r".*_bn\d+", "made"),
)
XCEPTION_KERAS = (
    Rename(r"^(block\d+)_(?:sep)?conv(\d)$", "<1>_conv<2>"),
    Rename(r"^(block\d+)_(?:sep)?conv(\d)_bn$", "<1>_bn<2>"),
    InOrder(r"conv2d(_\d+)?", r"block\d+_conv0"),
    InOrder(r"batch_normalization(_\d+)?", r"block\d+_bn0"),
)
ALEXNET_CAFFE = _rename(fc8="predictions")
VGG_CAFFE = (
    Rename(r"^conv(\d)_(\d)$", "stage<1>_conv<2>"),
    *_rename(fc8="predictions"),
)
GOOGLENET_CAFFE = (
    Rename("^conv1/7x7_s2$", "conv1"),
    Rename("^conv2/3x3_reduce$", "conv2_reduce"),
    Rename("^conv2/3x3$", "conv2"),
    Rename("^loss3/classifier$", "predictions"),
    Rename("^loss([12])/conv$", "aux<1>_conv"),
    Rename("^loss([12])/fc$", "aux<1>_fc"),
    Rename("^loss([12])/classifier$", "aux<1>"),
    Rename("/1x1$", "_branch1_conv1"),
    Rename("/3x3_reduce$", "_branch2_conv1"),
    Rename("/3x3$", "_branch2_conv2"),
    Rename("/5x5_reduce$", "_branch3_conv1"),
    Rename("/5x5$", "_branch3_conv2"),
    Rename("/pool_proj$", "_branch4_conv2"),
)
NIN_CAFFE = (Rename("-1024$", ""),)

COUNTED = (r"num_batches_tracked$",)


def _torch(*rows: Rename | InOrder, **others: tuple[str, ...]) -> Rules:
    return Rules(style="torch", rows=rows, unused=COUNTED, **others)


def _keras(*rows: Rename | InOrder) -> Rules:
    return Rules(style="keras", rows=rows)


def _caffe(*rows: Rename | InOrder) -> Rules:
    return Rules(style="caffe", rows=rows)


RULES = {
    "resnet_torch": _torch(*RESNET),
    "resnet_pytorchcv": _torch(*RESNET_PYTORCHCV),
    "preresnet_pytorchcv": _torch(*RESNET_PYTORCHCV, *PRERESNET_PYTORCHCV),
    "resnetv2_timm": _torch(*RESNETV2_TIMM),
    "vgg_torch": _torch(*VGG_HEADS, InOrder(r"features\.\d+", r"stage\d_(conv|bn)\d")),
    "vgg_pytorchcv": _torch(*VGG_HEADS, *VGG_PYTORCHCV),
    "alexnet_torch": _torch(
        Rename(r"^classifier\.1$", "fc6"),
        Rename(r"^classifier\.4$", "fc7"),
        Rename(r"^classifier\.6$", "predictions"),
        InOrder(r"features\.\d+", r"conv\d"),
    ),
    "alexnet_pytorchcv": _torch(*VGG_HEADS, *ALEXNET_PYTORCHCV),
    "nin_pytorchcv": _torch(*NIN_PYTORCHCV),
    "googlenet_torch": _torch(*GOOGLENET_TORCHVISION),
    "bn_inception_pytorchcv": _torch(*BN_INCEPTION_PYTORCHCV),
    "inception_v3_torch": _torch(*INCEPTION_V3_TORCH),
    "inception_v3_pytorchcv": _torch(
        *INCEPTIONS_PYTORCHCV, *MODULES_PYTORCHCV, *BRANCHES, *FORKS_V3
    ),
    "inception_v4_timm": _torch(*INCEPTION_V4_TIMM),
    "inception_v4_pytorchcv": _torch(
        *INCEPTIONS_PYTORCHCV,
        Rename(r"^features\.init_block\.block1(?=\.)", "stem_3a"),
        Rename(r"^features\.init_block\.block2(?=\.)", "stem_4a"),
        Rename(r"^features\.init_block\.block3(?=\.)", "stem_5a"),
        *MODULES_PYTORCHCV,
        *BRANCHES,
        *FORKS_V4,
    ),
    "inception_resnet_v2_timm": _torch(*INCEPTION_RESNET_V2_TIMM),
    "inception_resnet_pytorchcv": _torch(*INCEPTION_RESNET_PYTORCHCV),
    "facenet": _torch(*FACENET),
    "xception_cadene": _torch(*XCEPTION_CADENE),
    "xception_pytorchcv": _torch(*XCEPTION_PYTORCHCV),
    "vgg_keras": _keras(*VGG_KERAS),
    "resnet_keras": _keras(*RESNET_KERAS),
    "inception_v3_keras": _keras(*INCEPTION_V3_KERAS),
    "inception_resnet_v2_keras": _keras(*INCEPTION_RESNET_V2_KERAS),
    "xception_keras": _keras(*XCEPTION_KERAS),
    "alexnet_caffe": _caffe(*ALEXNET_CAFFE),
    "vgg_caffe": _caffe(*VGG_CAFFE),
    "googlenet_caffe": _caffe(*GOOGLENET_CAFFE),
    "nin_caffe": _caffe(*NIN_CAFFE),
    "lenet_caffe": _caffe(*_rename(ip1="fc3", ip2="predictions")),
}
