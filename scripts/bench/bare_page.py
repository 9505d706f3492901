"""The least a page with rows costs: aiohttp, one Jinja2 template, rows that are there already."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from jinja2 import DictLoader, Environment

from scripts.bench.processes import run_process, serve_orders

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title><link rel="stylesheet" href="/style.css"></head>
<body><header><a href="/">{{ title }}</a><nav>{% for name in bar %}<a href="/{{ name }}">{{ name }}</a>{% endfor %}</nav>
</header><main><h1>{{ title }}</h1><ul>
{% for row in rows %}<li><article><h3><a href="/l/{{ row.number }}">{{ row.title }}</a></h3><p>{{ row.text }}</p>
<p><strong>{{ row.price }}</strong> <span>{{ row.owner }}</span> <span>{{ row.place }}</span>
{% if row.seen %}<span>{{ row.seen }}</span>{% endif %}</p></article></li>
{% endfor %}</ul></main><footer>{{ title }}</footer></body></html>
"""


async def main(settings: dict[str, Any]) -> None:
    """Serve the page until the orders end."""
    environment = Environment(loader=DictLoader({"page": TEMPLATE}), autoescape=True)
    template = environment.get_template("page")
    rows = [
        {
            "number": number, "title": f"Garden help {number}", "price": "1:00 an hour", "owner": "Ben", "place": "Oakvale",
            "text": "Digging, weeding, hedges. I bring my own tools and like company.", "seen": "seen 3 hours ago",
        }
        for number in range(settings["rows"])
    ]  # fmt: skip

    async def page(_request: web.Request) -> web.Response:
        text = template.render(title="Oakvale", bar=("home", "find", "record", "messages", "me"), rows=rows)
        return web.Response(text=text, content_type="text/html")

    async def ready() -> None:
        """Answer, once this process listens."""

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", settings["port"]).start()
    await serve_orders({"ready": ready})
    await runner.cleanup()


if __name__ == "__main__":
    run_process(main)
