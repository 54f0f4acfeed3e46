"""From the bytes of a picture to the array a backbone takes: pure functions of one image.

Read `decode` first (the one verdict on a picture), then `preprocessing` (the printable string).
Knows nothing of datasets, detectors or networks.
"""
