"""IAM policies as data: documents, trust, evaluation, and why a request is refused."""
