"""One rule per component, found by file name; each module has a `RULE`, and its docstring explains it."""
