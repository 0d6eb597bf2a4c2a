r"""What a student reads: one page that needs nothing else, and the same as JSON."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from lrcourse.grading.store import write

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Feedback for {{ student }}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
section { border-left: 5px solid #767676; padding-left: 1rem; margin: 1.5rem 0 }
section.passed { border-color: #0072B2 } section.failed { border-color: #D55E00 }
h3 { margin: 0 } li { margin: .3rem 0; overflow-wrap: anywhere } details { margin: .4rem 0 0 1rem }
</style></head><body>
<h1>Feedback for {{ student }}</h1>
{% for chapter in chapters %}
<h2>Chapter {{ chapter.chapter }}: {{ chapter.headline }}</h2>
{% if chapter.reason %}<p>{{ chapter.reason }}</p>{% endif %}
{% for exercise in chapter.detail or [] %}
<section class="{{ exercise.status }}">
<h3>Exercise {{ exercise.id }}: {{ exercise.title }}</h3>
<p>{{ exercise.status }}, {{ exercise.points }} of {{ exercise.possible }} points</p>
<ul>
{% for check in exercise.checks %}
<li>{{ "passed" if check.passed else "not passed" }}: {{ check.name|marked }}
({{ check.points }} of {{ check.possible }}){% if check.message %}<br>{{ check.message|marked }}
{% endif %}</li>
{% endfor %}
</ul>
{% for hint in exercise.hints %}
<details><summary>Hint {{ loop.index }} of {{ loop.length }}</summary><p>{{ hint|marked }}</p>
</details>
{% endfor %}
</section>
{% endfor %}
{% for mark in chapter.marks %}
<section><h3>{{ mark.title }}</h3>
<p>{% if mark.points is none %}not marked yet{% else %}
{{ mark.points }} of {{ mark.possible }} points{% endif %}</p>
{% if mark.comment %}<p>{{ mark.comment }}</p>{% endif %}</section>
{% endfor %}
{% endfor %}
</body></html>
"""


def _marked(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
ENVIRONMENT.filters["marked"] = _marked
TEMPLATE = ENVIRONMENT.from_string(PAGE)


def file_name(student: str) -> str:
    r"""Return a harmless name for a student's file; no two students share one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:60]
    if plain == student and plain == plain.lower():
        return plain
    return f"{plain}.{hashlib.sha256(student.encode(errors='replace')).hexdigest()[:10]}"


def write_feedback(folder: Path, student: str, chapters: Sequence[dict]) -> None:
    r"""Write a student's page and JSON.

    Args:
        folder: where to.
        student: whose.
        chapters: dicts of chapter, status, reason, points, possible, detail and marks.
    """
    kept = ("chapter", "status", "reason", "points", "possible", "detail", "marks")
    plain = [{key: chapter[key] for key in kept} for chapter in chapters]
    for chapter in chapters:
        chapter["headline"] = chapter["status"]
        if chapter["points"] is not None:
            chapter["headline"] = f"{chapter['points']:g} of {chapter['possible']:g} points"
    name = file_name(student)
    write(folder / f"{name}.html", TEMPLATE.render(student=student, chapters=chapters))
    write(folder / f"{name}.json", json.dumps({"student": student, "chapters": plain}, indent=1))
