"""`relu`: any shape."""

from equivalence.case import SINCE_E4, Case, Setup, any_shape, in_eras

CASE = Case(setups=in_eras(any_shape().map(lambda source: Setup({}, source)), SINCE_E4))
