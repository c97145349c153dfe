"""The SDK's examples, run as a user runs them."""
