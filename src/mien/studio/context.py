"""What every route of the studio shares: the project, the jobs, and how a page is rendered.

Knows no route. Law: a page carries no inline script or style; texts reach scripts as a JSON block,
which the content security policy lets through because it is no script.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from mien.head.recipe import RECIPES, SETTINGS, counts
from mien.serve.access import Access
from mien.studio import texts
from mien.studio.decisions import Decisions
from mien.studio.exams import Exams
from mien.studio.jobs import Jobs
from mien.studio.models import Models
from mien.studio.project import Project
from mien.studio.said import answer_in
from mien.studio.watch import Watch
from mien.version import VERSION

if TYPE_CHECKING:
    from fastapi import Request
    from jinja2 import Environment
    from starlette.requests import HTTPConnection

# Name (also the key of its text, ``nav.NAME``) → address, in the order of the navigation.
PAGES: Final[dict[str, str]] = {
    "board": "/",
    "audit": "/audit",
    "exam": "/exam",
    "study": "/study",
}
LANGUAGE_COOKIE: Final = "mien_language"


@dataclass(frozen=True, kw_only=True)
class Studio:
    """One running studio.

    Attributes:
        project: The folder of photos and what is done to it.
        jobs: Long work, in processes of its own.
        access: The secrets of this server.
        watch: Looks at photos in the background.
    """

    project: Project
    jobs: Jobs
    access: Access
    watch: Watch

    @cached_property
    def models(self) -> Models:
        """What was trained on the project."""
        return Models(self.project.root, self.project.runs)

    @cached_property
    def exams(self) -> Exams:
        """What was tested, and how often."""
        return Exams(self.project.root)

    @cached_property
    def decisions(self) -> Decisions:
        """What was decided about the audit's findings."""
        return Decisions(self.project)


def studio_of(request: Request) -> Studio:
    """The studio that a request is for; also a FastAPI dependency."""
    studio = request.app.state.studio
    assert isinstance(studio, Studio)
    return studio


def language_of(request: HTTPConnection) -> str:
    """The language of a request: the user's choice, else the browser's."""
    return texts.choose(
        cookie=request.cookies.get(LANGUAGE_COOKIE),
        accepted=request.headers.get("accept-language", ""),
    )


def told(request: HTTPConnection, answer: Any) -> Any:
    """An answer with the verbs' sentences in the language of the page that asked."""
    return answer_in(language_of(request), answer)


def idle_settings() -> str:
    """For a page's script, as JSON: each recipe's head, and what makes no difference to a head."""
    heads = {name: recipe.head for name, recipe in RECIPES.items()}
    idle = {head: [name for name in SETTINGS if not counts(name, head)] for head in heads.values()}
    return json.dumps({"heads": heads, "idle": idle})


def page(request: Request, template: str, *, name: str, status: int = 200, **values: Any) -> Any:
    """Render a page.

    Args:
        request: Decides the language.
        template: Its file in ``templates/``.
        name: Of the page; the navigation marks it.
        status: Of the answer.
        **values: For the template, beside `t`, `language`, `page`, `pages` and `project_name`.
    """
    from fastapi.responses import HTMLResponse

    language = language_of(request)
    words = texts.load(language)

    def t(key: str, **placeholders: object) -> str:
        return texts.say(language, key, **placeholders)

    html = (
        _templates()
        .get_template(template)
        .render(
            t=t,
            language=language,
            languages=texts.LANGUAGES,
            page=name,
            pages=PAGES,
            path=request.scope["path"],
            project_name=studio_of(request).project.root.name,
            texts_json=_json_block(words),
            version=VERSION,
            **values,
        )
    )
    return HTMLResponse(html, status_code=status)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("mien.studio", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _json_block(value: object) -> Markup:
    # "</script>" in a text must not end the block.
    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))
