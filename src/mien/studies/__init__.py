"""Studies: many recipes, many seeds, one honest answer."""
