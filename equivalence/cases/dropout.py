"""`dropout`: any shape and probability, into a new tensor or in place."""

from equivalence.case import Case, Setup, Source, any_shape, dropouts

CASE = Case(
    setups=dropouts(any_shape(), inplace=True), refused=(Setup({"nn_params": {"p": 1.5}}, (Source("x", (2,)),)),)
)
