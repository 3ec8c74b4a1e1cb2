"""The nine programmes' economics: budgets, benefits, appraisal, and the regional ledger."""
