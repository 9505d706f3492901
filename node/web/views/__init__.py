"""What pages show, as values: one frozen class for each template, the contract with the services."""
