"""What pages show, as plain data: no request, no template, no database. Each is a function of a stored run or of rows."""
