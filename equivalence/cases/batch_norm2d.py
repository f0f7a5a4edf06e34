"""`batch_norm2d`: images, with the options of `nn.BatchNorm2d`."""

from equivalence.case import ONE_ROW, Case, batch_norms, image

CASE = Case(setups=batch_norms(image()), errors=(ONE_ROW,))
