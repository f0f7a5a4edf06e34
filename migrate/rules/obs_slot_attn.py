"""`ObsSlotAttn` -> `ObsSlotAttnModule`: random in every pass (trap 41), and tokens compete instead of slots."""

from migrate.eras import END
from migrate.rule import Move, Rule, key

NORMS = (("norm_input", "norm_input"), ("norm_slots", "norm_slots"), ("norm_mlp_input", "norm_mlp"))
GRU = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

RULE = Rule(
    old="obs_enc.ObsSlotAttn",
    new="ObsSlotAttnModule",
    ignores_params=True,
    keys=(
        key("num_slots", "num_slots", attribute="_num_slots"),
        key("slot_dim", "slot_dim", attribute="_slot_dim"),
        key("num_iterations", "num_iterations", attribute="_num_iterations"),
        key("slot_init_mu", "init_mean", 0.0, 0.0, attribute="_slot_init_mu"),
        key("slot_init_sigma", "init_std", 1.0, 1.0, attribute="_slot_init_sigma"),
        key("mlp_hidden_size", "mlp_hidden_dim", None, None, attribute="_mlp_hidden_size"),
        key("use_mask", "use_mask", False, False, attribute="_use_mask"),
    ),
    fixed={"competing": "tokens", "noise": "always"},
    state=lambda _: (
        Move("slots_mu", "mean"),
        Move("slots_log_sigma", "log_std"),
        *(Move(f"{old}.{kind}", f"{new}.{kind}") for old, new in NORMS for kind in ("weight", "bias")),
        Move("k_proj.weight", "key.weight"),
        Move("v_proj.weight", "value.weight"),
        Move("q_proj.weight", "query.weight"),
        *(Move(f"gru.{name}", f"gru.{name}") for name in GRU),
        *(Move(f"mlp.{i}.{kind}", f"mlp.{i}.{kind}") for i in (0, 2) for kind in ("weight", "bias")),
    ),
    derived=frozenset({"_M", "_feat_dim"}),
    recorded=END,
)
