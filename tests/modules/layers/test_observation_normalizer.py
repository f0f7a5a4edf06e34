from __future__ import annotations

from modules.layers.observation_normalizer import ObservationNormalizerModule
from modules.shapes import BuildContext


def test_channels_are_in_the_order_of_feature_numbers_whatever_the_environment_lists_first() -> None:
    context = BuildContext((3, 2, 2), (((3, 2, 2),)), feature_normalizations=(1.0, 30.0, 255.0), feature_ids=(2, 0, 1))
    options = ObservationNormalizerModule.from_context(context)
    assert ObservationNormalizerModule(**options).obs_norm.flatten().tolist() == [30.0, 255.0, 1.0]
