"""`batch_norm1d`: vectors and sequences, with the options of `nn.BatchNorm1d`; a single row cannot be trained on."""

from hypothesis import strategies as st

from equivalence.case import ONE_ROW, Case, batch_norms, shapes_of

CASE = Case(setups=batch_norms(st.one_of(shapes_of(1), shapes_of(2))), errors=(ONE_ROW,))
