"""`CenterPixelLayer` -> `CenterPixelModule`."""

from migrate.rule import Rule

RULE = Rule(old="merge_layer.CenterPixelLayer", new="CenterPixelModule", ignores_params=True)
