"""One case per component, found by file name; each module has a `CASE`."""
