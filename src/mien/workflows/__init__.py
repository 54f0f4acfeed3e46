"""One file a user verb: the only place that joins photos, backbone, head, exam and files.

A workflow takes paths and settings, returns the record that ``--json`` prints, and knows nothing
of terminals or browsers. Faces over them (`cli`, `studio`) add no behaviour.
"""
