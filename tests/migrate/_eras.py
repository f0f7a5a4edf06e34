"""Small policies of every era, built and trained in the old stack, and written as the trainer of its date did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import legacy
from equivalence.tracing import trace
from migrate.eras import Era
from migrate.pickle_writer import save_record
from migrate.to_legacy import legacy_agent, record_of
from modules import Environment

BOX = Environment((5, 4, 3), (1.0, 30.0, 255.0), ("agent", "hp", "agent:color"), (2, 3))
TOKENS = Environment((12, 3), (1.0, 10.0, 30.0, 255.0, 1.0), action_nvec=(2, 3), obs_width=5, obs_height=4)
ACTIONS: tuple[list[str], list[int]] = (["noop", "move"], [0, 2])
FEATURES = {f"feature_{i}": {"id": i, "type": "scalar", "normalization": d} for i, d in enumerate((1, 10, 30, 255, 1))}
POLICIES = {"E9": "metta.agent.component_policy.ComponentPolicy", "E10": "metta.agent.component_policies.fast.Fast"}

Components = dict[str, dict[str, Any]]


def linear(source: str, size: int, era: Era, **options: Any) -> dict[str, Any]:
    sized = {"nn_params": {"out_features": size}} if era.is_since("E4a") else {"output_size": size}
    return layer("nn_layer_library.Linear", source, era=era, **sized, **options)


def layer(target: str, *sources: str, era: Era, **options: Any) -> dict[str, Any]:
    where = {"sources": [{"name": name} for name in sources] or None}
    if not era.is_since("E4a"):
        where = {"input_source": sources[0] if sources else None}  # type: ignore[dict-item]
    return {"_target_": f"{era.root}{target}", **where, **options}


def from_box(era: Era) -> Components:
    # Early agents took the number of channels for the size behind Flatten, so images had to end at 1 x 1.
    early = {"output_size": 3, "nn_params": {"kernel_size": 4, "stride": 2}}
    late = {"nn_params": {"out_channels": 3, "kernel_size": 2, "stride": 1}}
    conv: dict[str, Any] = late if era.is_since("E4a") else early
    return {
        "_obs_": layer("obs_shaper.ObsShaper", era=era),
        "obs_normalizer": layer("observation_normalizer.ObservationNormalizer", "_obs_", era=era),
        "cnn1": layer("nn_layer_library.Conv2d", "obs_normalizer", era=era, **conv),
        "flat": layer("nn_layer_library.Flatten", "cnn1", era=era),
        "encoded": linear("flat", 6, era, initialization="xavier"),
    }


def from_sliced_box(era: Era) -> Components:
    """E1 alone: its merges named their sources otherwise, and those of E2 and E3 could not be built (trap 17)."""
    components = from_box(era)
    front = {"source_name": "obs_normalizer", "slice": [0, 1], "dim": 1}
    rest = {"source_name": "obs_normalizer", "slice": [1, 3], "dim": 1}
    swapped = {"_target_": f"{era.root}merge_layer.ConcatMergeLayer", "sources": [rest, front]}
    components["cnn1"]["input_source"] = "swapped"
    return {**components, "swapped": swapped}


def from_token_box(era: Era) -> Components:
    components = from_box(era)
    components["_obs_"] = layer("obs_token_to_box_shaper.ObsTokenToBoxShaper", era=era)
    return components


def from_early_tokens(era: Era) -> Components:
    sizes = {"num_query_tokens": 2, "query_token_dim": 4, "qk_dim": 4, "v_dim": 4, "mlp_out_hidden_dim": 5}
    query: dict[str, Any] = {"out_dim": 4, "use_mask": False, **(sizes if era.is_since("2025-06-04b") else {})}
    components = {
        "_obs_": layer("obs_enc.ObsTokenShaper", era=era, atr_embed_dim=4),
        "self_attn": layer("obs_enc.ObsVanillaAttn", "_obs_", era=era, out_dim=4, use_mask=True),
        "encoded": layer("obs_enc.ObsCrossAttn", "self_attn", era=era, **query),
    }
    if era.is_since("2025-06-04b"):
        components["cross"] = components.pop("encoded")
        last = {"out_dim": 6, "use_mask": False, "mlp_out_hidden_dim": 5}
        components["encoded"] = layer("obs_enc.ObsCrossAttn", "cross", era=era, **last)
    return components


def from_late_tokens(era: Era) -> Components:
    query = {"out_dim": 6, "use_mask": True, "num_query_tokens": 1, "use_cls_token": True, "query_token_dim": 4}
    return {
        "_obs_": layer("obs_tokenizers.ObsTokenPadStrip", era=era),
        "obs_normalizer": layer("obs_tokenizers.ObsAttrValNorm", "_obs_", era=era),
        "fourier": layer(
            "obs_tokenizers.ObsAttrEmbedFourier", "obs_normalizer", era=era, attr_embed_dim=3, num_freqs=2
        ),
        "encoded": layer("obs_enc.ObsLatentAttn", "fourier", era=era, num_heads=2, num_layers=2, **query),
    }


def config_of(era: Era, encoder: Any) -> dict[str, Any]:
    """A policy with that encoder, in the words and classes of the era."""
    params: dict[str, Any] = {"num_layers": 2}
    size = (
        {"nn_params": {**params, "hidden_size": 4}} if era.is_since("E8") else {"output_size": 4, "nn_params": params}
    )
    components = {
        **encoder(era),
        "_core_": layer("lstm.LSTM", "encoded", era=era, **size),
        "critic": linear("_core_", 5, era, nonlinearity="nn.Tanh"),
        "actor_1": linear("_core_", 5, era, clip_scale=0.5),
        "_value_": linear("critic", 1, era, nonlinearity=None),
        **_heads(era),
    }
    config = {"_target_": era.agent, "observations": {"obs_key": "grid_obs"}, "clip_range": 1, "components": components}
    policies = [path for since, path in POLICIES.items() if era.is_since(since)]
    return {**config, "policy": policies[-1]} if policies else config


def _heads(era: Era) -> Components:
    if not era.is_since("E4a"):
        return {
            "_action_type_": layer("action.ActionType", "actor_1", era=era, nonlinearity=None),
            "_action_param_": layer("action.ActionParam", "actor_1", era=era, nonlinearity=None),
        }
    table = {"nn_params": {"num_embeddings": 12, "embedding_dim": 3}}
    embeds = {"_action_embeds_": layer("action.ActionEmbedding", era=era, **table)}
    if not era.is_since("2025-09-03"):
        return {**embeds, "_action_": layer("actor.MettaActorSingleHead", "actor_1", "_action_embeds_", era=era)}
    return {
        **embeds,
        "actor_query": layer("actor.MettaActorQuerySingleHead", "actor_1", "_action_embeds_", era=era),
        "_action_": layer("actor.MettaActorKeySingleHead", "actor_query", "_action_embeds_", era=era),
    }


@dataclass(frozen=True)
class Policy:
    """A trained policy of one date.

    Attributes:
        era: its date.
        agent: of the old stack.
        optimizer: over its parameters.
        config: its old config.
    """

    era: Era
    agent: Any
    optimizer: torch.optim.Optimizer
    config: Mapping[str, Any]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """`policy.pt` and `trainer_state.pt`."""
        policy, trainer = folder / "policy.pt", folder / "trainer_state.pt"
        metadata = {"epoch": 3, "agent_step": 64, "action_names": ACTIONS[0]}
        record = record_of(self.agent, self.era, "run", "file://run/model_0003.pt", metadata, "run/model_0003.pt")
        policy.write_bytes(save_record(record, self.era, self.config))
        torch.save({"optimizer_state_dict": self.optimizer.state_dict(), "agent_step": 64, "epoch": 3}, trainer)
        return policy, trainer


def environment_of(encoder: Any, era: Era) -> Environment:
    if encoder in (from_box, from_sliced_box):
        return (
            BOX
            if not era.is_since("2025-06-04")
            else Environment(BOX.obs_shape, BOX.feature_normalizations, (), (2, 3))
        )
    if encoder is from_early_tokens and not era.is_since("2025-06-04"):
        return Environment((12, 3), (1.0, 30.0, 255.0), ("agent", "hp", "agent:color"), (2, 3))
    return TOKENS


def trained(date: str, encoder: Any, steps: int = 2) -> Policy:
    """Builds a policy with the code of a date, activates actions in two orders, and trains it."""
    era = Era(date)
    environment, config = environment_of(encoder, era), config_of(era, encoder)
    torch.manual_seed(0)
    agent = legacy_agent(config, environment, "test", era)
    if era.is_since("2025-07-01"):
        agent.initialize_to_environment(FEATURES, ["move"], [2], "cpu")
        agent.initialize_to_environment(FEATURES, list(ACTIONS[0]), list(ACTIONS[1]), "cpu")
    elif era.is_since("E4a"):
        agent.activate_actions(["move"], [2], "cpu")
        agent.activate_actions(list(ACTIONS[0]), list(ACTIONS[1]), "cpu")
    optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        x = torch.randint(0, 4, (3, 2, *environment.obs_shape), generator=generator, dtype=torch.uint8)
        torch.manual_seed(step)
        out = trace(agent, x, action=torch.tensor([[[0, 0], [1, 2]]] * 3)).outputs
        optimizer.zero_grad()
        loss = (out["value"] ** 2).mean() - out["log_prob"].mean() + 0.1 * out["entropy"].mean()
        torch.autograd.backward(loss)
        optimizer.step()
    agent.clip_weights()
    return Policy(era, agent, optimizer, config)


def unsorted_policy_of_e1() -> Policy:
    """A policy of E1 whose config lists readers before their sources, with another moment for each parameter."""
    era = Era("E1")
    config = config_of(era, from_box)
    config["components"] = dict(reversed(config["components"].items()))
    agent = legacy_agent(config, BOX, "test", era)
    optimizer = torch.optim.Adam(agent.parameters())
    for number, parameter in enumerate(agent.parameters(), start=1):
        parameter.grad = torch.full_like(parameter, number)
    optimizer.step()
    return Policy(era, agent, optimizer, config)


DATES = [date for date, _ in legacy.factory.VERSIONS]
"""When the agent changed."""
LAYER_DATES = [
    "2025-02-27b",
    "2025-06-04b",
    "2025-06-06",
    "2025-06-16",
    "2025-07-29",
    "2025-08-08",
    "2025-08-15",
    "2025-08-26",
]
"""When layers did besides."""
EVERY_DATE = sorted({*DATES, *LAYER_DATES})


def encoders_of(date: str) -> list[Any]:
    """The ways to observe that the code of a date had and that a file can hold."""
    periods = {
        from_box: ("2025-02-20", "2025-06-18"),
        from_early_tokens: ("2025-05-30", "2025-06-18"),
        from_token_box: ("2025-06-09", "2025-09-22"),
        from_late_tokens: ("2025-06-18", "2025-09-22"),
    }
    broken = "2025-08-07b" <= date < "2025-08-19"  # trap 59
    return [e for e, (a, b) in periods.items() if a <= date < b and not (broken and e is from_late_tokens)]


ALL = [("2025-02-20", from_sliced_box), *((date, encoder) for date in EVERY_DATE for encoder in encoders_of(date))]
