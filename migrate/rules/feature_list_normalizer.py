"""`FeatureListNormalizer` -> nothing: no old agent could be built with it, so there is nothing to be like.

`FeatureListNormalizerModule` does what was meant, for configs of the new stack.
"""

from migrate.refused import REFUSED
from migrate.rule import Key, Rule

OLD = "feature_normalizer.FeatureListNormalizer"


def _refuse() -> tuple[()]:
    raise ValueError(REFUSED[OLD])


RULE = Rule(
    old=OLD,
    new="FeatureListNormalizerModule",
    keys=(Key((), (), (), (), forward=_refuse, backward=_refuse),),
    legacy=(("E1", "FeatureListNormalizer"), ("E4d", "FeatureListNormalizerE4d")),
)
