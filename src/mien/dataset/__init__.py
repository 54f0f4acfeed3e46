"""From a folder on disk to a `Dataset`: classes, photos, groups, rejects, and splits of them.

Looks at names, bytes and magic numbers, never at pixels.
"""
