"""`identity`: any shape."""

from equivalence.case import Case, Setup, any_shape, in_eras

CASE = Case(setups=in_eras(any_shape().map(lambda source: Setup({}, source))))
