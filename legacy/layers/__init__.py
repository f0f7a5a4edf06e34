"""Components of the old stack, one file each, found by file name."""
