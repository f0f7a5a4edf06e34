"""`alpha_dropout`: any shape and probability."""

from equivalence.case import Case, Setup, Source, any_shape, dropouts

CASE = Case(setups=dropouts(any_shape()), refused=(Setup({"nn_params": {"p": 2}}, (Source("x", (2,)),)),))
