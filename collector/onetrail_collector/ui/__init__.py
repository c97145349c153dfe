"""The pages where people look: served whole, read through the admin API, behind a sign-in."""
