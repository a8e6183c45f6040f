"""What follows from decisions: strikes, measures that run and end, reviews, appeals, delivery.

The ledger is an append-only chain of facts (`facts`, `chain`, `ledger`); everything else is folded from
them. Nothing here reads a clock: time is an argument.
"""
