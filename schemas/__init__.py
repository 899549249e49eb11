"""The nouns of a scoring job: configuration, contract, plan, card, ledger, errors. They import nothing of ours."""
