"""Components of the new stack, one file each, found by file name."""
