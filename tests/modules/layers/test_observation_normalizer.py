from __future__ import annotations

from modules.layers.observation_normalizer import ObservationNormalizerModule
from modules.shapes import BuildContext


def divisors(**features: tuple[float, ...]) -> list[float]:
    context = BuildContext(((3, 2, 2),), feature_normalizations=(1.0, 30.0, 255.0), **features)  # type: ignore[arg-type]
    module = ObservationNormalizerModule(**ObservationNormalizerModule.from_context(context))
    return [float(divisor) for divisor in module.obs_norm.flatten()]


def test_channels_are_in_the_order_of_feature_numbers_whatever_the_environment_lists_first() -> None:
    assert divisors(feature_ids=(2, 0, 1)) == [30.0, 255.0, 1.0]


def test_features_without_numbers_are_in_listed_order() -> None:
    assert divisors() == [1.0, 30.0, 255.0]
