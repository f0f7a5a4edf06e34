"""A small policy of the old stack, and the demonstration of its migration."""
