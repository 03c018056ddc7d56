"""Money: budgets that concurrent calls can't overrun. `ledger` is the way in; what it may do is decided in `budget`."""
