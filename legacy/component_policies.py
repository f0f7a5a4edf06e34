"""The architectures of E10 and E11, which were Python classes (`Fast`, `LatentAttnTiny`, ...), as agent configs.

Values equal the last YAML files; keys that the old classes ignored are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

E11 = "2025-09-03"
ROOT, OWN = "metta.agent.lib.", "legacy.layers."
Components = dict[str, dict[str, Any]]

CLASSES: Mapping[str, tuple[str, str]] = {
    "ActionEmbedding": ("action", "action_embedding.ActionEmbedding0826"),
    "Conv2d": ("nn_layer_library", "conv2d.Conv2d0626"),
    "Flatten": ("nn_layer_library", "flatten.Flatten"),
    "LSTM": ("lstm", "lstm.LSTM0815"),
    "Linear": ("nn_layer_library", "linear.Linear0626"),
    "MettaActorKeySingleHead": ("actor", "actor_key_single_head.MettaActorKeySingleHead"),
    "MettaActorQuerySingleHead": ("actor", "actor_query_single_head.MettaActorQuerySingleHead"),
    "MettaActorSingleHead": ("actor", "actor_single_head.MettaActorSingleHead"),
    "ObsAttrEmbedFourier": ("obs_tokenizers", "obs_attr_embed_fourier.ObsAttrEmbedFourier"),
    "ObsAttrValNorm": ("obs_tokenizers", "obs_attr_val_norm.ObsAttrValNorm"),
    "ObsLatentAttn": ("obs_enc", "obs_latent_attn.ObsLatentAttnE10"),
    "ObsSelfAttn": ("obs_enc", "obs_self_attn.ObsSelfAttn"),
    "ObsTokenPadStrip": ("obs_tokenizers", "obs_token_pad_strip.ObsTokenPadStripE8"),
    "ObsTokenToBoxShaper": ("obs_token_to_box_shaper", "obs_token_to_box_shaper.ObsTokenToBoxShaper0808"),
    "ObservationNormalizer": ("observation_normalizer", "observation_normalizer.ObservationNormalizerE5b"),
}
"""Class -> its old module, and our own class that stands for it."""
BEFORE_0826 = {"ActionEmbedding": "action_embedding.ActionEmbeddingE8"}
"""Our own classes that another one stood for at first."""


def _layer(kind: str, *sources: str, **options: Any) -> dict[str, Any]:
    return {"_target_": kind, "sources": [{"name": source} for source in sources] or None, **options}


def _linear(source: str, size: int, **options: Any) -> dict[str, Any]:
    return _layer("Linear", source, nn_params={"out_features": size}, **options)


def _conv(source: str, kernel_size: int, stride: int) -> dict[str, Any]:
    sizes = {"out_channels": 64, "kernel_size": kernel_size, "stride": stride, "padding": 0}
    return _layer("Conv2d", source, nn_params=sizes)


BOX: Components = {
    "_obs_": _layer("ObsTokenToBoxShaper"),
    "obs_normalizer": _layer("ObservationNormalizer", "_obs_"),
    "cnn1": _conv("obs_normalizer", 5, 3),
    "cnn2": _conv("cnn1", 3, 1),
    "obs_flattener": _layer("Flatten", "cnn2"),
    "fc1": _linear("obs_flattener", 128),
    "encoded_obs": _linear("fc1", 128),
}


def _tokens(width: int, frequencies: int) -> Components:
    return {
        "_obs_": _layer("ObsTokenPadStrip"),
        "obs_normalizer": _layer("ObsAttrValNorm", "_obs_"),
        "obs_fourier": _layer("ObsAttrEmbedFourier", "obs_normalizer", attr_embed_dim=width, num_freqs=frequencies),
    }


def _latent(width: int, heads: int, query_layers: int, self_layers: int) -> Components:
    query = {"out_dim": 32, "use_mask": True, "num_query_tokens": 10, "query_token_dim": 32}
    rest = {"out_dim": 128, "use_mask": False, "use_cls_token": True, "num_layers": self_layers}
    return {
        **_tokens(width, 8),
        "obs_latent_query_attn": _layer(
            "ObsLatentAttn", "obs_fourier", **query, num_heads=heads, num_layers=query_layers
        ),
        "obs_latent_self_attn": _layer("ObsSelfAttn", "obs_latent_query_attn", **rest, num_heads=heads),
    }


TINY: Components = {
    **_tokens(10, 4),
    "obs_cross_attn": _layer(
        "ObsLatentAttn",
        "obs_fourier",
        out_dim=128,
        use_mask=True,
        num_layers=2,
        num_heads=4,
        num_query_tokens=1,
        use_cls_token=True,
        query_token_dim=32,
        qk_dim=32,
    ),
}
ENCODERS: Mapping[str, Components] = {
    "fast": BOX,
    "latent_attn_tiny": TINY,
    "latent_attn_small": _latent(8, 4, 1, 2),
    "latent_attn_med": _latent(12, 8, 3, 3),
    "fast_dynamics": BOX,
}
"""Architecture -> what stands in front of its core. `fast_dynamics` is of E11."""
HEADS: Components = {
    "critic_1": _linear("_core_", 1024, nonlinearity="nn.Tanh"),
    "_value_": _linear("critic_1", 1, nonlinearity=None),
    "actor_1": _linear("_core_", 512),
    "_action_embeds_": _layer("ActionEmbedding", nn_params={"num_embeddings": 100, "embedding_dim": 16}),
}
ACTOR: Components = {"_action_": _layer("MettaActorSingleHead", "actor_1", "_action_embeds_")}
ACTOR_E11: Components = {
    "actor_query": _layer("MettaActorQuerySingleHead", "actor_1", "_action_embeds_"),
    "_action_": _layer("MettaActorKeySingleHead", "actor_query", "_action_embeds_"),
}
DYNAMICS: Components = {name: _linear("critic_1", 1, nonlinearity=None) for name in ("returns_pred", "reward_pred")}


def architectures(date: str) -> tuple[str, ...]:
    """Names of the architectures that there were on a date."""
    return tuple(name for name in ENCODERS if name != "fast_dynamics" or date >= E11)


def components(name: str, date: str, *, own: bool = False) -> Components:
    """The components of an architecture, in the order of its parameters.

    Args:
        name: one of `architectures(date)`.
        date: of the code.
        own: whether targets are our own classes instead of the old ones.

    Raises:
        ValueError: "no architecture ...".
    """
    if name not in architectures(date):
        raise ValueError(f"no architecture {name!r} on {date}; there are {', '.join(architectures(date))}")
    encoder = ENCODERS[name]
    sizes = {"hidden_size": 128, "num_layers": 2}
    built = {
        **encoder,
        "_core_": _layer("LSTM", list(encoder)[-1], nn_params=sizes),
        **HEADS,
        **(ACTOR_E11 if date >= E11 else ACTOR),
        **(DYNAMICS if name == "fast_dynamics" else {}),
    }
    return {key: {**each, "_target_": _target(each["_target_"], date, own=own)} for key, each in built.items()}


def _target(kind: str, date: str, *, own: bool) -> str:
    module, path = CLASSES[kind]
    if not own:
        return f"{ROOT}{module}.{kind}"
    return f"{OWN}{BEFORE_0826.get(kind, path) if date < '2025-08-26' else path}"
