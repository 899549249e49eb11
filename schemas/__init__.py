"""The nouns of a scoring job: configuration, contract, plan, card, ledger, manifest, errors. They import nothing of ours."""
