"""Old classes that are refused on purpose, and why: nothing that an agent ever computed with them could be kept."""

from __future__ import annotations

from fnmatch import fnmatchcase

_MODULAR = (
    "it was written for a successor of the old stack that no agent ever used; "
    "its sizes, unlike a component's, stood in its own arguments"
)
REFUSED = {
    "obs_token_to_boxshaper.ObsTokenToBoxShaper": (
        "there never was a module of this name, so the old code could not build it either "
        "(ImportError: Failed to import module ...); the class is obs_token_to_box_shaper.ObsTokenToBoxShaper"
    ),
    "feature_normalizer.FeatureListNormalizer": (
        "it never worked, no old agent could be built with it; "
        "modules.layers.feature_list_normalizer.FeatureListNormalizerModule does what it meant"
    ),
    "metta_module.MettaModule": _MODULAR,
    "metta_module.MettaLinear": _MODULAR,
    "metta_module.MettaReLU": _MODULAR,
    "modular_network.ModularNetwork": _MODULAR,
}
"""Old class path below the import root -> reason."""

SECOND_LSTM = "a second LSTM with a memory of its own, and the new stack has one recurrent state"

_DEAD = "its file imported a module that did not exist, so no agent could be built with it"
DEAD_FILES = {
    "feature_encoder": _DEAD,
    "resnet_encoder": _DEAD,
    "position": f"{_DEAD}; it held functions, no components",
}
"""Old file below the import root -> why nothing that is in it can be migrated."""

ON_BRANCHES = (
    "ActionHash", "MettaActorBig[234]", "MettaActorSingleHead2", "NoisyMettaActorSingleHead",
    "Als_Bilinear", "Als_Bilinear_Rev[123]", "BilinearNetwork", "MettaNoisyLinear", "CompressLayer",
    "ObsEncoder*", "RobustObsEncoderRev*", "ObsTransformerEncoder", "ObsTokenShaperValueEmbed",
    "ObsLatentAttn2", "ObsLatentAttnNested", "ObsLatentAttnBuiltIn", "ObsLatentAttnBisect", "ObsTokenPadStripNested",
    "TransformerCore", "TransformerMemoryCore", "ExponentialMemoryTraces", "LSTMJack", "LSTMswitching", "LSTMWords",
    "EnvContextLayer", "EnvironmentalContextEmbedding", "BasalGanglia*", "LatentDecoder", "SensoryDecoder",
    "NextObservationHead", "MeanPool", "DummyAttn", "LinearModule", "ActorModule", "ComponentContainer",
)  # fmt: skip
"""Names, with wildcards, of old classes that were only on branches."""
BRANCH_ONLY = "a class of this name was only on branches of the old project; no code of theirs is on record"


def why_refused(name: str) -> str | None:
    """The reason why the old class `name`, a path below the import root, cannot be migrated; None for all others."""
    return REFUSED.get(name) or DEAD_FILES.get(name.partition(".")[0])


def is_branch_only(name: str) -> bool:
    """Whether the old class `name`, a path below the import root, is known from branches alone."""
    return any(fnmatchcase(name.rpartition(".")[2], pattern) for pattern in ON_BRANCHES)
