"""The ledger's migrations, run by :mod:`tulosvahti.store.migrate`."""
