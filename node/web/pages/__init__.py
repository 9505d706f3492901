"""The handlers of pages: each reads, fills a view, and leaves checks to `app.py` and looks to the templates."""
