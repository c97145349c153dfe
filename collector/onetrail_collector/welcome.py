"""What a newcomer reads when the collector starts."""

import sys


def first_token(token: str, scopes: str) -> str:
    """Shown once; only its hash is stored."""
    return (
        f"admin token: {token}\n"
        f"  (shown this once; keep it. It opens /ui and the admin API, to {scopes}.)"
    )


def source_secret(secret: str) -> str:
    """Shown once, like a token."""
    return (
        f"secret: {secret}\n  (shown this once; keep it on your server. "
        f"Send it with each request: 'Authorization: Bearer {secret[:8]}...')"
    )


def demo_steps(url: str) -> str:
    """What to do next: a page, a tag, some Python."""
    return f"""
  0. See what arrives, as it does:  {url}/ui
     (sign in with the admin token)
  1. Open a page that is tracked:   {url}/demo
  2. Track your own page:           <script async src="{url}/t.js" data-source="demo"></script>
  3. Track a Python program; {sys.executable} can run this one:

       from onetrail import Tracker

       with Tracker("{url}", source="demo") as t:
           t.track("page-view", url="https://shop.example/")
           t.identify(email="ann@shop.test")

  4. See who it is:

       curl -H "Authorization: Bearer <admin token>" "{url}/profiles?key=email:ann@shop.test"

  Ctrl-C stops it; the data stays."""


def tags(url: str, source: str, pinned_name: str, integrity: str) -> str:
    """The script tag in its two forms."""
    return f"""A page of {source} is tracked by this tag, which always loads the newest tracker:

  <script async src="{url}/t.js" data-source="{source}"></script>

or by this one, with which the browser runs this tracker and no other; each version needs its own:

  <script async src="{url}/{pinned_name}" data-source="{source}"
          integrity="{integrity}" crossorigin="anonymous"></script>"""
