"""The studio: collect, train, try, audit and examine in a browser on one's own machine.

How a page is made: a module ``routes_NAME.py`` with a FastAPI `router` whose handlers ask
`studio_of(request)` for the project, the jobs and the texts; a template that extends ``base.html``;
an ES module in ``static/`` that imports what it needs from ``mien.js``; texts under ``NAME.…`` in
both files of ``texts/``. `app.ROUTERS` lists the modules, `context.PAGES` the navigation.

Law: whatever is a verb is called in `mien.workflows` and never done again here; what the user made
is in plain files before the browser is told so.
"""
