"""Carrying measures out: from the outbox of a ledger to the platform, at least once and in order.

What is decided is written to the outbox in the transaction that decides it. A `Dispatcher` takes it from
there and hands it to an `Adapter`: HTTP (`webhook`), a file (`file`), a Redis stream (`redis_stream`), or
one of your own. Whoever receives does each id once.
"""
