"""`action_type`: the environment's size, every initialisation and nonlinearity."""

from equivalence.case import BIAS, Case, early_weights, vector

CASE = Case(setups=early_weights(vector(), BIAS, sized=False))
