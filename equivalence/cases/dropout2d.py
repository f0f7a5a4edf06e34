"""`dropout2d`: images, since torch warns of anything else."""

from equivalence.case import Case, Setup, Source, dropouts, image

CASE = Case(
    setups=dropouts(image(), inplace=True), refused=(Setup({"nn_params": {"p": -0.5}}, (Source("x", (2, 1, 1)),)),)
)
