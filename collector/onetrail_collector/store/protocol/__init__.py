"""What the collector asks of a store, whichever database it is: the contract of each call."""

from onetrail_collector.store.protocol.identity import IdentityReads, IdentityTransaction
from onetrail_collector.store.protocol.imports import ImportTransaction
from onetrail_collector.store.protocol.store import AlreadyStored, Store, StoreTransaction
from onetrail_collector.store.protocol.upkeep import ErasureSteps, Referrable, RetentionStore

__all__ = [
    "AlreadyStored",
    "ErasureSteps",
    "IdentityReads",
    "IdentityTransaction",
    "ImportTransaction",
    "Referrable",
    "RetentionStore",
    "Store",
    "StoreTransaction",
]
