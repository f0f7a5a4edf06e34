"""Feature remapping (from 2025-07-01): an agent that meets features under other numbers than in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

UNKNOWN = 255
NUM_IDS = 256
Features = Mapping[str, Mapping[str, Any]]
"""Name -> `{"id": ..., "type": ..., "normalization": ...}`."""


class OriginalFeatures:
    """The numbers under which the environment of the training knew its features, which a record's metadata keeps."""

    original_feature_mapping: dict[str, int]

    def restore_original_feature_mapping(self, mapping: Mapping[str, int]) -> None:
        """Takes the numbers of the training environment over from a record's metadata."""
        self.original_feature_mapping = dict(mapping)

    def get_original_feature_mapping(self) -> dict[str, int] | None:
        """The numbers of the first environment, or None before one was met."""
        return getattr(self, "original_feature_mapping", None)

    def _meet(self, features: Features, *, learns: bool) -> dict[int, int] | None:
        """Remembers the features of an environment.

        Returns:
            Their numbers -> those of the training, where they differ; None in the first environment.
        """
        self.feature_id_to_name = {props["id"]: name for name, props in features.items()}
        self.feature_normalizations = {
            props["id"]: props["normalization"] for props in features.values() if "normalization" in props
        }
        if not hasattr(self, "original_feature_mapping"):
            self.original_feature_mapping = {name: props["id"] for name, props in features.items()}
            return None
        remap: dict[int, int] = {}
        for name, props in features.items():
            known = self.original_feature_mapping.get(name)
            if known is None and learns:
                self.original_feature_mapping[name] = props["id"]  # which may be another feature's number
            elif known != props["id"]:
                remap[props["id"]] = UNKNOWN if known is None else known
        return remap


def remap_features(components: Any, features: Features, remap: Mapping[int, int]) -> None:
    """Tells the component that reads observations; numbers that the environment does not have become padding."""
    obs: Any = dict(components.items()).get("_obs_")
    if hasattr(obs, "update_feature_remapping"):
        known = {*remap, *(props["id"] for props in features.values())}
        table = torch.arange(NUM_IDS, dtype=torch.uint8)
        table[[number for number in range(NUM_IDS) if number not in known]] = UNKNOWN
        for number, original in remap.items():
            table[number] = original
        obs.update_feature_remapping(table)


class RemapsFeatures(OriginalFeatures):
    """What `MettaAgent` gained on 2025-07-01: the first environment's feature numbers win, later ones are mapped.

    Quirks kept: nothing is applied while no number differs (trap 31), so `ObsAttrValNorm` divides by the feature index
    until the first difference and by the right divisors from then on; agents with box observations ignore it all.
    """

    components: Any

    def initialize_to_environment(
        self,
        features: Features,
        action_names: Sequence[str],
        action_max_params: list[int],
        device: Any,
        is_training: bool = True,
    ) -> None:
        """Takes over an environment.

        Args:
            features: name -> `{"id": ..., "type": ..., "normalization": ...}`.
            action_names: see `activate_actions`.
            action_max_params: see `activate_actions`.
            device: where index tensors live.
            is_training: whether unknown features are learned; otherwise they become padding.
        """
        self.activate_features(features, device, is_training)
        self.activate_actions(action_names, action_max_params, device)

    def activate_actions(self, action_names: Sequence[str], action_max_params: list[int], device: Any) -> None:
        raise NotImplementedError

    def activate_features(self, features: Features, device: Any, is_training: bool) -> None:
        """Remembers the numbers of the first environment; maps those of a later one onto them."""
        self.active_features, self.device = features, device
        remap = self._meet(features, learns=is_training)
        if remap is not None:
            self.feature_id_remap = remap
        if remap:
            remap_features(self.components, features, remap)
            self._update_normalization_factors(features)

    def _update_normalization_factors(self, features: Features) -> None:
        for component in self.components.values():
            if "ObsAttrValNorm" in type(component).__name__:
                factors = torch.ones(NUM_IDS, dtype=torch.float32)
                for name, props in features.items():
                    if name in self.original_feature_mapping and "normalization" in props:
                        factors[self.original_feature_mapping[name]] = props["normalization"]
                component.register_buffer("_norm_factors", factors)
