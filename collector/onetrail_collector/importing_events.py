"""Events from a file, by the only way in: what was stored before is not stored again.

Times are kept as the file has them; only what is in the future is put back to now.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from onetrail_collector.errors import Refused
from onetrail_collector.ingest import Ingest
from onetrail_collector.wire.envelope import Envelope, Receipt, Rejection

PATIENCE_S = 60  # for another process that holds the file, or a source's limit


class Imported(msgspec.Struct):
    """What became of the events so far."""

    stored: int = 0
    duplicates: int = 0
    warnings: int = 0


async def bring(ingest: Ingest, envelopes: Sequence[Envelope], counts: Imported) -> list[Rejection]:
    """Store them, all at once; answers what was not. Raises Refused where nothing can be stored."""
    receipts = await asyncio.gather(*(_bring(ingest, envelope) for envelope in envelopes))
    for receipt in receipts:
        counts.stored += receipt.accepted
        counts.duplicates += receipt.duplicates
        counts.warnings += len(receipt.warnings)
    return [rejection for receipt in receipts for rejection in receipt.rejected]


async def _bring(ingest: Ingest, envelope: Envelope) -> Receipt:
    waited_s = 0
    while True:
        try:
            return await ingest.submit(envelope)
        except Refused as refused:
            if refused.retry_after_s is None or waited_s >= PATIENCE_S:
                raise
        await asyncio.sleep(1)
        waited_s += 1
