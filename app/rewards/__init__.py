"""Rewards for reporters: rules as dated data, eligibility with its reasons, decisions of two people, the ledger."""
