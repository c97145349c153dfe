"""The onetrail collector: stores events, issues profile IDs, resolves identities."""
