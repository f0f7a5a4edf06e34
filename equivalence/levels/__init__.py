"""What is compared: one function per level, `(pair, inputs) -> finding`; `equivalence.harness.LEVELS` lists them."""
