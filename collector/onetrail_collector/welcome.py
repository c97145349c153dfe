"""What a newcomer reads when the collector starts."""


def first_token(token: str) -> str:
    """Shown once; only its hash is stored."""
    return f"admin token: {token}\n  (shown this once; keep it. It opens the profiles API.)"


def demo_steps(url: str) -> str:
    """What to do next: a page, a tag, some Python."""
    return f"""
  1. Open a page that is tracked:   {url}/demo
  2. Track your own page:           <script async src="{url}/t.js" data-source="demo"></script>
  3. Track a Python program:

       from onetrail import Tracker

       with Tracker("{url}", source="demo") as t:
           t.track("page-view", url="https://shop.example/")
           t.identify(email="ann@example.com")

  4. See who it is:

       curl -H "Authorization: Bearer <admin token>" "{url}/profiles?key=email:ann@example.com"

  Ctrl-C stops it; the data stays."""
