"""The audit: tables in, relations and findings out, with no rule written."""
