"""What is kept: the ledger, the inputs by content, and mails on their way out."""
