"""`identity`: any shape."""

from equivalence.case import Case, Setup, any_shape

CASE = Case(setups=any_shape().map(lambda source: Setup({}, source)))
