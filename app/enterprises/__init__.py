"""The register of enterprises: names, codes, addresses, status, history."""
